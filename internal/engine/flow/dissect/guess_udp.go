package dissect

import "noroshi/internal/engine/flow/record"

// datagramApp finds the protocol of a communication over UDP from one of its
// payloads and its ports; NoApp when neither tells.
func datagramApp(side int, b []byte, r *record.Record) record.App {
	return record.NoApp
}
