#ifndef CLAVIGER_CCURL_SHIM_H
#define CLAVIGER_CCURL_SHIM_H

// The type checks of curl.h only understand constant options; the wrappers below carry the types instead.
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

// Swift cannot call variadic C functions, so each argument type of curl_easy_setopt has a wrapper.

static inline CURLcode claviger_curl_set_long(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode claviger_curl_set_size(CURL *easy, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode claviger_curl_set_text(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode claviger_curl_set_pointer(CURL *easy, CURLoption option, void *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode claviger_curl_set_list(CURL *easy, CURLoption option, struct curl_slist *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode claviger_curl_set_blob_copy(CURL *easy, CURLoption option, const void *bytes, size_t count) {
    struct curl_blob blob = {(void *)bytes, count, CURL_BLOB_COPY};
    return curl_easy_setopt(easy, option, &blob);
}

typedef size_t (*claviger_curl_receiver)(char *bytes, size_t size, size_t count, void *context);

static inline CURLcode claviger_curl_set_receiver(CURL *easy, CURLoption option, claviger_curl_receiver receiver) {
    return curl_easy_setopt(easy, option, receiver);
}

typedef curl_socket_t (*claviger_curl_opener)(void *context, curlsocktype purpose, struct curl_sockaddr *address);

static inline CURLcode claviger_curl_set_opener(CURL *easy, claviger_curl_opener opener) {
    return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, opener);
}

static inline curl_socket_t claviger_curl_open(const struct curl_sockaddr *address) {
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

// Copies the IP address, in network order, that a socket is for; returns its length, 0 when it is of no IP family.
static inline int claviger_curl_ip_address(const struct curl_sockaddr *address, unsigned char bytes[16]) {
    if (address->family == AF_INET && address->addrlen >= sizeof(struct sockaddr_in)) {
        memcpy(bytes, &((const struct sockaddr_in *)&address->addr)->sin_addr, 4);
        return 4;
    }
    if (address->family == AF_INET6 && address->addrlen >= sizeof(struct sockaddr_in6)) {
        memcpy(bytes, &((const struct sockaddr_in6 *)(const void *)&address->addr)->sin6_addr, 16);
        return 16;
    }
    return 0;
}

static inline CURLcode claviger_curl_get_status(CURL *easy, long *status) {
    return curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, status);
}

// CURLMsg holds its result in an anonymous union.
static inline CURLcode claviger_curl_message_result(const CURLMsg *message) {
    return message->data.result;
}

#endif
