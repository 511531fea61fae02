#ifndef CLAVIGER_CZLIB_SHIM_H
#define CLAVIGER_CZLIB_SHIM_H

#include <zlib.h>

// Macros that hand sizeof(z_stream) to the library, which Swift cannot call. 15 bits of window, 16 for the gzip format.

static inline int claviger_inflate_init_gzip(z_stream *stream) {
    return inflateInit2(stream, 15 + 16);
}

static inline int claviger_deflate_init_gzip(z_stream *stream) {
    return deflateInit2(stream, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY);
}

#endif
