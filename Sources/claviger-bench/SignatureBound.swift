import Crypto
import X509TestSupport
import X509Trust

/// How often one core can check the signatures that a verification cannot do without, and nothing else.
enum SignatureBound {
    enum Kind: CaseIterable {
        /// A report of SEV-SNP: one signature on P-384 over 672 bytes.
        case reports
        /// A quote of Intel's: one on P-256 over the quoting enclave's report and one over header and body.
        case quotes
        /// A quote of a TPM: one by RSA with 2048 bits.
        case tpmQuotes
        /// A session with a SEV platform: one key of P-384 made, and one agreement with it.
        case sessions
        /// A report of Hygon's with its chain: three signatures by SM2.
        case hygonReports
    }

    static func perSecond(_ kind: Kind, seconds: Int) throws -> Double {
        switch kind {
        case .reports:
            let key = P384.Signing.PrivateKey()
            let message = [UInt8](repeating: 7, count: 672)
            let signature = try key.signature(for: message)
            return try rate(seconds) { key.publicKey.isValidSignature(signature, for: message) }
        case .quotes:
            let key = P256.Signing.PrivateKey()
            let messages = [[UInt8](repeating: 7, count: 384), [UInt8](repeating: 7, count: 632)]
            let signatures = try messages.map { try key.signature(for: $0) }
            return try rate(seconds) {
                key.publicKey.isValidSignature(signatures[0], for: messages[0])
                    && key.publicKey.isValidSignature(signatures[1], for: messages[1])
            }
        case .sessions: return try sessionRate(seconds)
        case .hygonReports:
            let key = try TestKey.generate(.sm2)
            let message = [UInt8](repeating: 7, count: 252)
            let algorithm = SignatureAlgorithm.sm2Raw(userID: Array("HYGON-SSD-CEK".utf8))
            let signature = try key.sign(message, algorithm)
            return try rate(seconds) {
                (0..<3).allSatisfy { _ in key.publicKey.isValid(signature: signature, over: message, algorithm) }
            }
        case .tpmQuotes:
            let key = try TestKey.generate(.rsa(2048))
            let message = [UInt8](repeating: 7, count: 161)
            let signature = try key.sign(message, .rsaPKCS1(.sha256))
            return try rate(seconds) {
                key.publicKey.isValid(signature: signature, over: message, .rsaPKCS1(.sha256))
            }
        }
    }

    private static func sessionRate(_ seconds: Int) throws -> Double {
        let platform = P384.KeyAgreement.PrivateKey().publicKey
        return try rate(seconds) {
            (try? P384.KeyAgreement.PrivateKey().sharedSecretFromKeyAgreement(with: platform)) != nil
        }
    }

    private static func rate(_ seconds: Int, _ isValid: () -> Bool) throws -> Double {
        let start = ProcessTime.seconds
        let end = ContinuousClock.now + .seconds(seconds)
        var count = 0
        while ContinuousClock.now < end {
            guard isValid() else { throw BenchError("A good signature was refused.") }
            count += 1
        }
        return Double(count) / (ProcessTime.seconds - start)
    }
}
