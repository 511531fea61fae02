import Encodings
import RATS

/// Evidence of Arm CCA realms: the token that the realm management monitor makes.
struct CCAAttester: HardwareAttester {
    let tee = TEE.cca
    let kernel: any Kernel

    /// `{"token":[…]}` with the CBOR bytes of the token.
    func collect(_ reportData: [UInt8]) throws(GuestError) -> JSONValue {
        let field = try ReportDataField.padded(reportData)
        return ["token": .bytes(try TSMReport(kernel: kernel).blobs(of: .cca, over: field).report)]
    }
}

extension JSONValue {
    /// An array of numbers, as serde writes bytes.
    static func bytes(_ bytes: some Sequence<UInt8>) -> JSONValue { .array(bytes.map { .int(Int64($0)) }) }
}
