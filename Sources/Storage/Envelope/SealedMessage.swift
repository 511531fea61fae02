import Encodings

/// The bytes of a sealed message: 1 (version), length of the key's name (1 byte), name, salt (32), AES-256-GCM box.
struct SealedMessage {
    static let saltLength = 32
    private static let version: UInt8 = 1

    let keyID: String
    let salt: [UInt8]
    let box: ArraySlice<UInt8>

    init(keyID: String, salt: [UInt8], box: ArraySlice<UInt8>) {
        self.keyID = keyID
        self.salt = salt
        self.box = box
    }

    init(_ bytes: [UInt8]) throws(StorageError) {
        guard bytes.count > 2, bytes[0] == Self.version else { throw Self.malformed }
        let saltAt = 2 + Int(bytes[1])
        let boxAt = saltAt + Self.saltLength
        guard bytes.count >= boxAt + AuthenticatedEncryption.overhead,
            let keyID = String(validating: bytes[2..<saltAt], as: UTF8.self)
        else { throw Self.malformed }
        self.init(keyID: keyID, salt: Array(bytes[saltAt..<boxAt]), box: bytes[boxAt...])
    }

    func serialized() -> [UInt8] {
        [Self.version, UInt8(truncatingIfNeeded: keyID.utf8.count)] + Array(keyID.utf8) + salt + box
    }

    private static let malformed = StorageError.corrupt("sealed bytes have a shape that they cannot have")
}
