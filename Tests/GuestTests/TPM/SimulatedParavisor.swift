import Crypto
import Encodings
import TestPrograms
import Testing
import X509Trust

@testable import Guest

/// A real TPM that is furnished like the virtual one of a confidential VM on Azure, and what the paravisor does behind it:
/// whenever the guest wrote user data, a processor's report is made anew.
struct SimulatedParavisor: Sendable {
    private static let reportIndex: UInt32 = 0x0140_0001
    private static let userDataIndex: UInt32 = 0x0140_0002
    /// The most that swtpm keeps in an index; what is not used is zeros.
    private static let size = 2048

    let tpm: SoftwareTPM
    /// The kind of the processor's report by the paravisor's number: 2 for SEV-SNP, 4 for TDX.
    let kind: UInt32
    /// Makes the processor's report that vouches for a digest.
    let report: @Sendable ([UInt8]) throws -> [UInt8]
    private let device: TPMDevice
    private let key: [UInt8]

    /// A TPM with the paravisor's key and its first report.
    init(kind: UInt32, report: @escaping @Sendable ([UInt8]) throws -> [UInt8]) async throws {
        tpm = try await SoftwareTPM()
        (self.kind, self.report) = (kind, report)
        key = try tpm.keep(.rsa, at: "0x81000003")
        device = TPMDevice(tpm.socket, kernel: RealKernel())
        try tpm.define("0x01400001", size: Self.size)
        try renew([UInt8](repeating: 0, count: 64))
    }

    /// Works until the task is cancelled.
    func serve() async throws {
        var known: [UInt8]?
        while !Task.isCancelled {
            let userData = try await device.run { (tpm) throws(TPMError) -> [UInt8]? in
                guard let index = try tpm.index(Self.userDataIndex) else { return nil }
                return try? tpm.read(index)
            }
            if let userData, userData != known {
                known = userData
                try renew(userData)
            }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    private func renew(_ userData: [UInt8]) throws {
        // Of an RSA key's encoding everything but the modulus has a fixed size: 33 bytes before, 5 after.
        let modulus = Array(key.dropFirst(33).dropLast(5))
        let runtimeData: JSONObject = [
            "keys": [
                [
                    "kid": "HCLAkPub", "key_ops": ["sign"], "kty": "RSA", "e": "AQAB",
                    "n": .string(Base64.encodeURL(modulus)),
                ]
            ],
            "vm-configuration": ["secure-boot": true], "user-data": .string(Hex.encode(userData).uppercased()),
        ]
        let data = runtimeData.serialized()
        let hardware = try report(Array(SHA256.hash(data: data)))
        var bytes = Array("HCLA".utf8)
        for number in [2, 1236 + UInt32(data.count), 2, 0, 0, 0, 0] {
            bytes.append(contentsOf: number.littleEndianBytes)
        }
        bytes += hardware + [UInt8](repeating: 0, count: 1184 - hardware.count)
        for number in [20 + UInt32(data.count), 1, kind, 1, UInt32(data.count)] {
            bytes.append(contentsOf: number.littleEndianBytes)
        }
        bytes += data
        bytes += [UInt8](repeating: 0, count: Self.size - bytes.count)
        try device.session { [bytes] (tpm) throws(TPMError) -> Void in
            guard let index = try tpm.index(Self.reportIndex) else { throw .unavailable("no index") }
            try tpm.write(bytes, to: index)
        }
    }
}

extension UInt32 {
    fileprivate var littleEndianBytes: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: self >> (8 * UInt32($0))) } }
}
