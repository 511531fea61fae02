/// The answer to an `HTTPRequest`. Any status is an answer; only a failed exchange is an error.
public struct HTTPResponse: Sendable {
    /// Status code, such as 200.
    public let status: Int
    /// Header fields in the order received, names as the server wrote them.
    public let headers: [(name: String, value: String)]
    /// Body bytes as sent by the server; no content coding is undone.
    public let body: [UInt8]

    /// Makes a response, for instance in a test.
    public init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The first field of this name; names are compared without regard to case.
    public func header(_ name: String) -> String? {
        let wanted = name.lowercased()
        return headers.first { $0.name.lowercased() == wanted }?.value
    }

    /// All fields of this name, in order, for instance of `Set-Cookie`.
    public func headers(named name: String) -> [String] {
        let wanted = name.lowercased()
        return headers.filter { $0.name.lowercased() == wanted }.map(\.value)
    }
}
