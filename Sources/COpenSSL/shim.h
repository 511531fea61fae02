#ifndef CLAVIGER_COPENSSL_SHIM_H
#define CLAVIGER_COPENSSL_SHIM_H

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

// Macros and stacks of pointers that Swift cannot see.

static inline EVP_PKEY *claviger_generate_p256(void) {
    return EVP_EC_gen("P-256");
}

static inline STACK_OF(X509) *claviger_x509_stack_new(void) {
    return sk_X509_new_null();
}

static inline int claviger_x509_stack_push(STACK_OF(X509) *stack, X509 *certificate) {
    return sk_X509_push(stack, certificate);
}

/// Frees the stack and the certificates on it.
static inline void claviger_x509_stack_free_all(STACK_OF(X509) *stack) {
    sk_X509_pop_free(stack, X509_free);
}

static inline int claviger_x509_stack_count(const STACK_OF(X509) *stack) {
    return sk_X509_num(stack);
}

/// The certificate at an index; it belongs to the stack.
static inline X509 *claviger_x509_stack_at(const STACK_OF(X509) *stack, int index) {
    return sk_X509_value(stack, index);
}

static inline BIO *claviger_bio_memory(const void *bytes, int count) {
    return BIO_new_mem_buf(bytes, count);
}

/// The bytes that a memory BIO has collected; they belong to the BIO.
static inline long claviger_bio_contents(BIO *bio, char **bytes) {
    return BIO_get_mem_data(bio, bytes);
}

/// Writes a name in the form of RFC 2253, characters beyond ASCII as UTF-8.
static inline int claviger_print_name(BIO *bio, const X509_NAME *name) {
    return X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
}

/// Whether an error only says that there is no further PEM block.
static inline int claviger_is_end_of_pem(unsigned long error) {
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

#endif
