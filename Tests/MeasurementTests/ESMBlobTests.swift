import Encodings
import EvidenceSimulator
import Testing
import X509TestSupport
import X509Trust

@testable import Measurement

@Suite("PEF: ESM blobs")
struct ESMBlobTests {
    private let host: SimulatedPowerHost
    private let owner: TestKey
    private let rtas = [UInt8](repeating: 1, count: 300)
    private let kernel = [UInt8](repeating: 2, count: 70_000)
    private let initrd = [UInt8](repeating: 3, count: 5_000)
    private let arguments = "root=/dev/sda1 svm=on"

    init() throws {
        host = try SimulatedPowerHost()
        owner = try TestKey.generate(.rsa(2048))
    }

    private func digests() throws -> ESMDigests {
        try ESMDigests(
            rtas: MemoryArtifact(rtas), kernel: MemoryArtifact(kernel), initrd: MemoryArtifact(initrd),
            bootArguments: arguments)
    }

    private func request() throws -> ESMBlobRequest {
        var request = ESMBlobRequest(
            origin: .init(owner.publicKey, comment: "the owner"), machines: [.init(host.machineKey.publicKey)],
            digests: try digests())
        request.files = [("rootd", SecretBytes(Array("the passphrase".utf8)))]
        return request
    }

    private func enter(_ blob: [UInt8], on host: SimulatedPowerHost? = nil, arguments other: String? = nil) throws
        -> [String: [UInt8]]
    {
        try SimulatedPowerUltravisor(on: host ?? self.host).enter(
            blob, rtas: rtas, kernel: kernel, initrd: initrd, bootArguments: other ?? arguments)
    }

    @Test("a machine of the blob lets its guest in and hands over its files; others do not, nor with another guest")
    func ultravisor() throws {
        let blob = try request().blob().serialized()
        #expect(try enter(blob)["rootd"] == Array("the passphrase".utf8))
        #expect(throws: (any Error).self) { try enter(blob, on: SimulatedPowerHost()) }
        #expect(throws: (any Error).self) { try enter(blob, arguments: "root=/dev/sda1 svm=on init=/bin/sh") }
        // Another Ultravisor was measured, so the TPM keeps the machine's key.
        let other = host.twin { $0.tpm.extend(5, with: [UInt8](repeating: 9, count: 32)) }
        #expect(throws: (any Error).self) { try enter(blob, on: other) }
    }

    @Test("a blob reads as it was written, and its maker can open it again")
    func roundTrip() throws {
        let blob = try request().blob()
        let bytes = blob.serialized()
        let read = try ESMBlob(parsing: bytes)
        #expect(read == blob && read.serialized() == bytes)
        #expect(read.lockboxes.map(\.comment) == ["the owner", ""] && read.fileNames == ["rootd"])
        #expect(read.lockboxes[1].fingerprint == host.fingerprint)
        let key = SecretBytes(try owner.decryptOAEP(read.lockboxes[0].encryptedKey, hash: .sha256))
        #expect(try read.digests(key: key) == digests())
        #expect(throws: MeasurementError.self) { try read.digests(key: SecretBytes([UInt8](repeating: 0, count: 32))) }
        let again = try ESMBlob(parsing: request().blob().serialized())
        #expect(again.lockboxes[0].encryptedKey != read.lockboxes[0].encryptedKey)
        #expect(again.digests.ciphertext != read.digests.ciphertext)
    }

    @Test(
        "13: the digests are SHA-512 of each part, the kernel's as it is loaded, and the command line is never left out"
    )
    func parts() throws {
        let json = try digests().json
        // SHA-512 of the command line, as sha512sum prints it.
        #expect(json["bootargs"]?.stringValue?.count == 128 && json["kernel_size"] == 70_000)
        for (kernel, arguments, code) in [
            ([0x7F, 0x45, 0x4C, 0x46, 2], "svm=on", MeasurementError.Code.unsupportedImage),
            ([1], "", .invalidInput), ([], "svm=on", .tooLarge),
        ] as [([UInt8], String, MeasurementError.Code)] {
            let error = #expect(throws: MeasurementError.self) {
                try ESMDigests(
                    rtas: MemoryArtifact(rtas), kernel: MemoryArtifact(kernel), initrd: MemoryArtifact(initrd),
                    bootArguments: arguments)
            }
            #expect(error?.code == code)
        }
    }

    @Test("keys that are no RSA keys or named twice, and files without a proper name, are refused")
    func requests() throws {
        func refused(_ change: (inout ESMBlobRequest) throws -> Void) throws -> Bool {
            var request = try request()
            try change(&request)
            do throws(MeasurementError) {
                _ = try request.blob()
                return false
            } catch {
                return error.code == .invalidInput
            }
        }
        #expect(try refused { $0.machines.append(.init(try TestKey.generate(.ec(.p256)).publicKey)) })
        #expect(try refused { $0.machines.append($0.origin) })
        #expect(try refused { $0.origin = .init($0.origin.key, comment: "two\nlines") })
        for name in ["", "1st", "a/b", String(repeating: "a", count: 32), "é"] {
            #expect(try refused { $0.files = [(name, SecretBytes([1]))] }, "\(name)")
        }
        #expect(try refused { $0.files.append($0.files[0]) })
    }

    @Test("random damage to a blob is refused or changes nothing that is believed")
    func damage() throws {
        let bytes = try request().blob().serialized()
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                damaged[Int.random(in: 0..<damaged.count, using: &generator)] ^= 1 << UInt8.random(in: 0...7)
            }
            guard let blob = try? ESMBlob(parsing: damaged) else { continue }
            _ = blob.serialized()
        }
        for count in stride(from: 0, to: bytes.count, by: 37) {
            #expect(throws: MeasurementError.self) { try ESMBlob(parsing: Array(bytes.prefix(count))) }
        }
        #expect(throws: MeasurementError.self) { try ESMBlob(parsing: bytes + [0]) }
    }

    @Test("a changed ciphertext or digest opens nothing")
    func authenticity() throws {
        let blob = try request().blob()
        let sealed = blob.digests
        let forged = ESMBlob(
            lockboxes: blob.lockboxes,
            digests: .init(
                comment: sealed.comment, ciphertext: sealed.ciphertext.map { $0 ^ 1 }, nonce: sealed.nonce,
                tag: sealed.tag), files: blob.files)
        #expect(throws: (any Error).self) { try enter(forged.serialized()) }
    }
}
