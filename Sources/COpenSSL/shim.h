#ifndef CLAVIGER_COPENSSL_SHIM_H
#define CLAVIGER_COPENSSL_SHIM_H

#include <stdint.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

// Macros and stacks of pointers that Swift cannot see.

static inline EVP_PKEY *claviger_generate_ec(const char *curve) {
    return EVP_EC_gen(curve);
}

static inline EVP_PKEY *claviger_generate_rsa(size_t bits) {
    return EVP_RSA_gen(bits);
}

static inline EVP_PKEY *claviger_generate_sm2(void) {
    return EVP_PKEY_Q_keygen(NULL, NULL, "SM2");
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

/// Seconds since 1970 of a time; 0 when it is none.
static inline int claviger_seconds(const ASN1_TIME *time, int64_t *seconds) {
    struct tm parts;
    // Without a time OpenSSL would take the present.
    if (time == NULL || ASN1_TIME_to_tm(time, &parts) != 1) return 0;
    *seconds = timegm(&parts);
    return 1;
}

/// A public key from parameters, made without the decoders that take longer than most signatures.
static inline EVP_PKEY *claviger_key_from_parameters(const char *type, OSSL_PARAM *parameters) {
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (context != NULL && parameters != NULL && EVP_PKEY_fromdata_init(context) == 1)
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters);
    EVP_PKEY_CTX_free(context);
    return key;
}

static inline EVP_PKEY *claviger_point_key(
    const char *type, const char *group, const unsigned char *point, size_t count) {
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)point, count),
        OSSL_PARAM_construct_end(),
    };
    return claviger_key_from_parameters(type, parameters);
}

/// An RSA key from its big-endian modulus and exponent.
static inline EVP_PKEY *claviger_rsa_key(
    const unsigned char *modulus, int modulus_count, const unsigned char *exponent, int exponent_count) {
    EVP_PKEY *key = NULL;
    BIGNUM *n = BN_bin2bn(modulus, modulus_count, NULL);
    BIGNUM *e = BN_bin2bn(exponent, exponent_count, NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (n != NULL && e != NULL && builder != NULL && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1
        && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1) {
        OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
        key = claviger_key_from_parameters("RSA", parameters);
        OSSL_PARAM_free(parameters);
    }
    OSSL_PARAM_BLD_free(builder);
    BN_free(e);
    BN_free(n);
    return key;
}

static inline void claviger_free(void *memory) {
    OPENSSL_free(memory);
}

static inline int claviger_revoked_count(const STACK_OF(X509_REVOKED) *stack) {
    return sk_X509_REVOKED_num(stack);
}

/// The entry at an index; it belongs to the stack.
static inline X509_REVOKED *claviger_revoked_at(const STACK_OF(X509_REVOKED) *stack, int index) {
    return sk_X509_REVOKED_value(stack, index);
}

/// The hash function of a signature algorithm, of RSA-PSS the one in its parameters; NID_undef without any.
static inline int claviger_signature_digest(const X509_ALGOR *algorithm) {
    const ASN1_OBJECT *object;
    X509_ALGOR_get0(&object, NULL, NULL, algorithm);
    int digest = NID_undef;
    if (OBJ_obj2nid(object) != NID_rsassaPss) {
        OBJ_find_sigid_algs(OBJ_obj2nid(object), &digest, NULL);
        return digest;
    }
    RSA_PSS_PARAMS *parameters = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(RSA_PSS_PARAMS), algorithm->parameter);
    if (parameters == NULL) return NID_undef;
    if (parameters->hashAlgorithm != NULL) {
        X509_ALGOR_get0(&object, NULL, NULL, parameters->hashAlgorithm);
        digest = OBJ_obj2nid(object);
    } else {
        digest = NID_sha1;
    }
    RSA_PSS_PARAMS_free(parameters);
    return digest;
}

/// Whether bytes that are DER of a SEQUENCE are signed with a key; SM2 needs the signer's identity too.
static inline int claviger_verify_bytes(
    const unsigned char *bytes, int count, const X509_ALGOR *algorithm, const ASN1_BIT_STRING *signature,
    const ASN1_OCTET_STRING *identity, EVP_PKEY *key) {
    ASN1_STRING *string = ASN1_STRING_type_new(V_ASN1_SEQUENCE);
    if (string == NULL) return 0;
    // A value of this type is encoded as the bytes that it holds.
    ASN1_TYPE value = { .type = V_ASN1_SEQUENCE, .value.sequence = string };
    int result = ASN1_STRING_set(string, bytes, count) == 1
        && ASN1_item_verify_ex(ASN1_ITEM_rptr(ASN1_ANY), algorithm, signature, &value, identity, key, NULL, NULL) == 1;
    ASN1_STRING_free(string);
    return result;
}

/// Whether an error only says that there is no further PEM block.
static inline int claviger_is_end_of_pem(unsigned long error) {
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

#endif
