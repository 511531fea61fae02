import Encodings

#if canImport(Glibc)
    import Glibc
#endif

extension FuzzTarget {
    func cbor(_ bytes: [UInt8]) {
        let loose = CBORRules(allowsIndefiniteContainers: true, allowsLongHeads: true)
        if let value = try? CBORValue(parsing: bytes, rules: loose) {
            // What was read is written so that it reads the same, in no more bytes.
            let encoded = value.encoded
            guard encoded.count <= bytes.count, (try? CBORValue(parsing: encoded)) == value else { abort() }
        }
        // There is one encoding only.
        if let value = try? CBORValue(parsing: bytes, rules: .deterministic), value.encoded != bytes, !holdsNaN(value) {
            abort()
        }
    }

    func cose(_ bytes: [UInt8]) {
        if let message = try? COSESign1(parsing: bytes) {
            guard message.signingInput().count > message.payload.count + message.protectedBytes.count else { abort() }
        }
        if let key = try? COSEKey(parsing: bytes), key.x963.count != 1 + 2 * key.curve.coordinateByteCount { abort() }
    }

    /// Numbers that are none have many bit patterns, and are written with one of them.
    private func holdsNaN(_ value: CBORValue) -> Bool {
        switch value {
        case .float(let number): number.isNaN
        case .array(let elements): elements.contains(where: holdsNaN)
        case .map(let map): map.keys.contains { holdsNaN($0) || map[$0].map(holdsNaN) ?? false }
        case .tagged(_, let content): holdsNaN(content)
        default: false
        }
    }
}
