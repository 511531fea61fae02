import Encodings

/// Reads what a client is trusted by and trusts from files.
enum CredentialFile {
    private static let maximumTokenBytes = 65_536
    private static let maximumCertificateBytes = 1_048_576

    /// Certificates as PEM; a file without any is refused.
    static func certificates(_ path: String) throws(KubernetesError) -> String {
        let text: String
        do throws(BoundedFileError) {
            text = try BoundedFile.text(path, limit: maximumCertificateBytes)
        } catch {
            throw KubernetesError(.configuration, message: error.message)
        }
        return try certificates(text, named: path)
    }

    /// The text, if it has certificates.
    static func certificates(_ text: String, named name: String) throws(KubernetesError) -> String {
        guard text.contains("-----BEGIN CERTIFICATE-----") else {
            throw KubernetesError(.configuration, message: "\(name) holds no certificate in PEM.")
        }
        return text
    }

    /// A token without the white space around it.
    static func token(_ path: String) throws(KubernetesError) -> SecretBytes {
        try token(secret(path, limit: maximumTokenBytes), named: path)
    }

    /// The token without the white space around it, if it is one line of visible characters.
    static func token(_ raw: SecretBytes, named name: String) throws(KubernetesError) -> SecretBytes {
        let trimmed = raw.withUnsafeBytes { bytes in
            var rest = bytes[...].drop { $0 <= 0x20 }
            while let last = rest.last, last <= 0x20 { rest.removeLast() }
            return SecretBytes(copying: UnsafeRawBufferPointer(rebasing: rest))
        }
        guard !trimmed.isEmpty, trimmed.withUnsafeBytes({ $0.allSatisfy { $0 > 0x20 && $0 < 0x7F } }) else {
            throw KubernetesError(.configuration, message: "\(name) holds no token.")
        }
        return trimmed
    }

    /// A private key as PEM.
    static func key(_ path: String) throws(KubernetesError) -> SecretBytes {
        try secret(path, limit: maximumTokenBytes)
    }

    private static func secret(_ path: String, limit: Int) throws(KubernetesError) -> SecretBytes {
        do throws(BoundedFileError) {
            return try BoundedFile.secret(path, limit: limit)
        } catch {
            throw KubernetesError(.configuration, message: error.message)
        }
    }
}
