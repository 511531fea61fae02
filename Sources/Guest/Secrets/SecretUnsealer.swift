public import Encodings

/// Opens sealed secrets, the strings that begin with `sealed.`.
public protocol SecretUnsealer: Sendable {
    /// The secret inside.
    ///
    /// - Parameter sealed: the whole string as it was handed to the pod, `sealed.` included.
    /// - Throws: `GuestError`: `invalid_request` for what is no sealed secret or is not signed by a known key; else what
    ///   fetching its key ends with.
    func unseal(_ sealed: String) async throws(GuestError) -> SecretBytes
}
