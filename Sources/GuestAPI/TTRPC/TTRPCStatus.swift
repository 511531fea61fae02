/// Why a ttrpc call has no result: a code and a sentence, as the caller receives them.
struct TTRPCStatus: Error, Sendable, Hashable {
    /// The codes of gRPC that this agent uses.
    enum Code: Int32, Sendable, Hashable {
        case invalidArgument = 3
        case deadlineExceeded = 4
        case notFound = 5
        case permissionDenied = 7
        case unimplemented = 12
        case internalError = 13
    }

    let code: Code
    let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    static func oversized(_ bytes: Int) -> TTRPCStatus {
        TTRPCStatus(
            .invalidArgument,
            "message length \(bytes) exceed maximum message size of \(TTRPCFrame.maximumDataBytes)")
    }
}
