import Encodings
import Foundation
import RATS
import Verification
import X509TestSupport
import X509Trust

/// A GPU or switch of a stand-in for NVIDIA. Everything that its report says can be changed before it is signed.
package struct SimulatedNVIDIADevice: Sendable {
    /// The generation.
    package var architecture: NVIDIAArchitecture
    /// The key that signs reports.
    package var key: TestKey
    /// Its certificate and those above it, the root last.
    package var chain: [Certificate]
    /// The registers, by their index from 1.
    package var registers: [Int: [UInt8]]
    /// The fields of the opaque data, by type.
    package var fields: [UInt16: [UInt8]]
    /// The driver's identifier.
    package var uuid = "unknown"
    /// What follows the signature.
    package var trailing: [UInt8] = []

    private static let firmwareID = [UInt8](repeating: 0xF1, count: 48)

    /// A device that nothing is wrong with; `number`, from 1 to 120, tells it from others.
    package init(
        _ architecture: NVIDIAArchitecture = .hopper, number: UInt8 = 1, of maker: SimulatedNVIDIA,
        _ change: (inout CertificateDraft) -> Void = { _ in }
    ) throws {
        self.architecture = architecture
        let start = maker.now.addingTimeInterval(-86_400)
        let end = Date(timeIntervalSince1970: 253_402_300_799)
        let chip = Self.chip(architecture)
        let processor = architecture == .ls10 ? "FSP" : "GSP"
        let rom = try maker.provisioner.authority(
            TestName([
                ("2.5.4.5", "4100\(number)"), ("O", "NVIDIA Corporation"), ("CN", "\(chip) A01 \(processor) BROM"),
            ]),
            key: .generate(.ec(.p384)), from: start
        ) {
            ($0.notAfter, $0.serialNumber) = (end, [0x11, number])
            $0.extensions = [.basicConstraints(isAuthority: true), .keyUsage(.keyCertSign)]
        }
        key = try TestKey.generate(.ec(.p384))
        var draft = CertificateDraft(
            subject: TestName([("O", "NVIDIA Corporation"), ("CN", "\(chip) A01 \(processor) FMC LF")]),
            publicKey: key.publicKey, from: start,
            extensions: [.keyUsage(.digitalSignature), Self.firmwareExtension(architecture, key)],
            serialNumber: [0x22, number])
        draft.notAfter = end
        change(&draft)
        chain =
            [try rom.issue(draft), rom.certificate]
            + [maker.provisioner, maker.identity, maker.root].map(\.certificate)
        registers = Dictionary(
            uniqueKeysWithValues: (1...(architecture == .ls10 ? 31 : 64)).map {
                ($0, [UInt8](repeating: UInt8($0), count: 48))
            })
        fields = Self.fields(architecture)
    }

    private static func chip(_ architecture: NVIDIAArchitecture) -> String {
        switch architecture {
        case .hopper: "GH100"
        case .blackwell: "GB100"
        case .ls10: "LS_10"
        }
    }

    private static func firmwareExtension(_ architecture: NVIDIAArchitecture, _ key: TestKey) -> TestExtension {
        let identifier = ASN1.sequence(
            ASN1.objectIdentifier("2.16.840.1.101.3.4.2.2"), ASN1.octetString(firmwareID))
        guard architecture == .blackwell else {
            return TestExtension(
                "2.23.133.5.4.1", value: ASN1.sequence(ASN1.integer(1), key.publicKey.spki, identifier))
        }
        let empty = ASN1.sequence(
            ASN1.objectIdentifier("2.16.840.1.101.3.4.2.2"), ASN1.octetString([UInt8](repeating: 0, count: 48)))
        return TestExtension(
            "2.23.133.5.4.1.1",
            value: ASN1.sequence(ASN1.element(0x80, Array("NVIDIA".utf8)), ASN1.element(0xA6, identifier + empty)))
    }

    private static func fields(_ architecture: NVIDIAArchitecture) -> [UInt16: [UInt8]] {
        func text(_ text: String) -> [UInt8] { Array(text.utf8) + [0] }
        guard architecture != .ls10 else { return [6: Array("96.10.55.00.01".utf8), 22: [], 26: []] }
        return [
            3: text("550.90.07"), 6: [0x00, 0x5E, 0x00, 0x96, 0x01, 0, 0, 0], 11: [0x55], 15: text("882"),
            17: text("1010"), 18: text("0200"), 20: firmwareID, 21: [0x55], 36: [0, 0],
        ]
    }

    /// The manifests that the device is like, by NVIDIA's identifiers.
    package var manifests: [String: SimulatedManifest] {
        func values(_ range: ClosedRange<Int>) -> [Int: [[UInt8]]] {
            Dictionary(uniqueKeysWithValues: range.map { ($0, [[UInt8](repeating: UInt8($0 + 1), count: 48)]) })
        }
        let chip = Self.chip(architecture).filter { $0 != "_" }
        guard architecture != .ls10 else {
            return [
                "NV_SWITCH_BIOS_5612_0002_890_9610550001": SimulatedManifest(
                    edition: "SWITCH", chip: chip, version: "96.10.55.00.01", registers: values(0...30))
            ]
        }
        var driver = values(20...34)
        driver[20]?.insert([UInt8](repeating: 0xAB, count: 48), at: 0)
        return [
            "NV_GPU_DRIVER_\(chip)_550.90.07": SimulatedManifest(
                chip: chip, version: "550.90.07", registers: driver),
            "NV_GPU_VBIOS_1010_0200_882_96005E0001": SimulatedManifest(
                chip: chip, version: "96.00.5E.00.01", registers: values(1...12)),
        ]
    }

    /// This device with changes; its report is signed again whenever it is sent.
    package func twin(_ change: (inout SimulatedNVIDIADevice) throws -> Void) rethrows -> SimulatedNVIDIADevice {
        var twin = self
        try change(&twin)
        return twin
    }

    /// The signed report to a nonce, the first 32 bytes of a digest.
    package func report(bound digest: [UInt8]) throws -> [UInt8] {
        var blocks: [UInt8] = []
        for (index, value) in registers.sorted(by: { $0.key < $1.key }) {
            blocks += [UInt8(index), 1] + word(value.count + 3) + [1] + word(value.count) + value
        }
        var opaque: [UInt8] = []
        for (type, value) in fields.sorted(by: { $0.key < $1.key }) {
            opaque += word(Int(type)) + word(value.count) + value
        }
        var bytes: [UInt8] = [0x11, 0xE0, 0x01, 0xFF] + padded(Array(digest.prefix(32)), to: 32) + [0]
        bytes += [0x11, 0x60, 0, 0, UInt8(registers.count)] + word(blocks.count) + [UInt8(blocks.count >> 16)]
        bytes += blocks + [UInt8](repeating: 0x9C, count: 32) + word(opaque.count) + opaque
        return try bytes + key.sign(bytes, .ecdsaRaw(.sha384)) + trailing
    }

    private func word(_ number: Int) -> [UInt8] { littleEndian(UInt16(truncatingIfNeeded: number)) }

    /// The device's entry in evidence that is bound to a digest.
    package func entry(bound digest: [UInt8]) throws -> JSONValue {
        [
            "arch": .string(architecture.rawValue), "uuid": .string(uuid),
            "evidence": .string(Base64.encode(try report(bound: digest))),
            "certificate": .string(Base64.encode(Array(chain.map(\.pem).joined().utf8))),
        ]
    }

    /// Fresh evidence of devices that is bound to a digest.
    package static func evidence(of devices: [SimulatedNVIDIADevice], bound digest: [UInt8]) throws -> Evidence {
        let list = try devices.map { try $0.entry(bound: digest) }
        return Evidence(tee: .nvidia, content: ["device_evidence_list": .array(list)])
    }

    /// Eight GPUs and four switches with protected PCIe that name each other.
    package static func protectedSet(of maker: SimulatedNVIDIA) throws -> [SimulatedNVIDIADevice] {
        let switches = (0..<4).map { [UInt8](repeating: 0x50 + UInt8($0), count: 7) + [UInt8($0)] }
        let gpus = (0..<8).map { [UInt8](repeating: 0x70 + UInt8($0), count: 8) }
        var devices: [SimulatedNVIDIADevice] = []
        for index in 0..<8 {
            var device = try SimulatedNVIDIADevice(number: UInt8(index + 1), of: maker)
            device.fields[21] = [0xAA]
            device.fields[36] = [2, 0]
            device.fields[22] = (0..<18).flatMap { Array(switches[$0 % 4].reversed()) }
            devices.append(device)
        }
        for index in 0..<4 {
            var device = try SimulatedNVIDIADevice(.ls10, number: UInt8(index + 101), of: maker)
            device.fields[22] = switches[index]
            device.fields[26] = gpus.flatMap(\.self) + [UInt8](repeating: 0, count: 64)
            devices.append(device)
        }
        return devices
    }
}
