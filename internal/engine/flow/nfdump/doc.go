// Package nfdump reads the flow files that nfdump's collectors write (layout 1
// of nfdump 1.6 and layout 2 of 1.7, plain or with LZO, LZ4, bzip2 or zstd
// blocks) into the columns of package export. The layouts are those of
// github.com/phaag/nfdump (nffileV2.h, nfxV3.h, and nfx.h for 1.6).
//
// Every buffer is bounded and overwritten after use, because elements that are
// passed over may hold payload.
package nfdump
