module noroshi/bench/peers/flow

go 1.26.0

require (
	github.com/netsampler/goflow2/v2 v2.2.6
	noroshi v0.0.0
)

require (
	github.com/klauspost/compress v1.20.3 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

replace noroshi => ../../..
