#ifndef CLAVIGER_CZLIB_SHIM_H
#define CLAVIGER_CZLIB_SHIM_H

#include <zlib.h>

// A macro that hands sizeof(z_stream) to the library, which Swift cannot call.
static inline int claviger_inflate_init_gzip(z_stream *stream) {
    return inflateInit2(stream, 15 + 16);
}

#endif
