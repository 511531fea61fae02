import X509Trust

/// Digests of firmware (FWID) in the certificates of devices (TCG DICE Attestation Architecture, section 6.1).
enum FirmwareIdentifier {
    /// TCG's TcbInfo; also where NVIDIA's Hopper writes the older CompositeDeviceID.
    static let compositeOID = "2.23.133.5.4.1"
    /// Where NVIDIA's Blackwell writes TcbInfo.
    static let nvidiaTCBInfoOID = "2.23.133.5.4.1.1"

    /// `2.16.840.1.101.3.4.2.2`, the object identifier of SHA-384.
    private static let sha384: [UInt8] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02]
    private static let digestSize = 48
    private static let maximumLayers = 32

    /// The identifier in a CompositeDeviceID: `SEQUENCE { version, deviceID, fwid }`.
    static func composite(_ bytes: [UInt8]) -> [UInt8]? {
        guard let members = members(of: bytes[...], tag: 0x30), members.count == 3, members[0].first == 0x02,
            members[1].first == 0x30
        else { return nil }
        return digest(members[2])
    }

    /// The identifiers in a TcbInfo, the firmware that starts first at the beginning: its member `[6] fwids`.
    static func layers(_ bytes: [UInt8]) -> [[UInt8]]? {
        guard let members = members(of: bytes[...], tag: 0x30) else { return nil }
        let lists = members.filter { $0.first == 0xA6 }
        guard lists.count == 1, let items = self.members(of: lists[0], tag: 0xA6),
            (1...maximumLayers).contains(items.count)
        else { return nil }
        let digests = items.compactMap(digest)
        return digests.count == items.count ? digests : nil
    }

    private static func digest(_ element: ArraySlice<UInt8>) -> [UInt8]? {
        guard let members = members(of: element, tag: 0x30), members.count == 2, members[0].first == 0x06,
            DER.first(members[0])?.content.elementsEqual(sha384) == true, members[1].first == 0x04,
            let digest = DER.first(members[1])?.content, digest.count == digestSize
        else { return nil }
        return Array(digest)
    }

    /// The elements in an element of this tag that fills all of the bytes.
    private static func members(of bytes: ArraySlice<UInt8>, tag: UInt8) -> [ArraySlice<UInt8>]? {
        guard bytes.first == tag, let outer = DER.first(bytes), outer.element.count == bytes.count else { return nil }
        var members: [ArraySlice<UInt8>] = []
        var rest = outer.content
        while !rest.isEmpty {
            guard let next = DER.first(rest), members.count < 64 else { return nil }
            members.append(next.element)
            rest = rest[next.element.endIndex...]
        }
        return members
    }
}
