extension JSONValue {
    /// The value at a JSON pointer (RFC 6901), or `nil` when there is none or the pointer is malformed. The empty pointer
    /// is the whole document.
    public subscript(pointer pointer: String) -> JSONValue? {
        guard !pointer.isEmpty else { return self }
        guard pointer.utf8.first == UInt8(ascii: "/") else { return nil }
        var value = self
        for token in pointer.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard let next = value.child(at: token) else { return nil }
            value = next
        }
        return value
    }

    private func child(at token: some Collection<UInt8>) -> JSONValue? {
        switch self {
        case .object(let object): Self.unescaped(token).flatMap { object[$0] }
        case .array(let elements): Self.index(token).flatMap { $0 < elements.count ? elements[$0] : nil }
        default: nil
        }
    }

    private static func unescaped(_ token: some Collection<UInt8>) -> String? {
        var bytes = [UInt8]()
        var escaping = false
        for byte in token {
            switch (escaping, byte) {
            case (false, UInt8(ascii: "~")): escaping = true
            case (true, UInt8(ascii: "0")):
                bytes.append(UInt8(ascii: "~"))
                escaping = false
            case (true, UInt8(ascii: "1")):
                bytes.append(UInt8(ascii: "/"))
                escaping = false
            case (true, _): return nil
            case (false, _): bytes.append(byte)
            }
        }
        return escaping ? nil : String(decoding: bytes, as: UTF8.self)
    }

    private static func index(_ token: some Collection<UInt8>) -> Int? {
        guard let first = token.first, token.count <= 9, token.allSatisfy({ (0x30...0x39).contains($0) }),
            first != UInt8(ascii: "0") || token.count == 1
        else { return nil }
        return token.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
}
