import Encodings
import Glibc
import GuestTestSupport
import JOSE
import KBSProtocol
import RATS
import TestInput
import Testing

@testable import Guest

@Suite("Evidence of IBM Secure Execution guests")
struct SEAttesterTests {
    private static let json: JSONObject = [
        "request_blob": .base64(.zeros(32)), "measurement_size": 64, "additional_size": 32,
        "encr_measurement_key": .base64([1, 2, 3]), "encr_request_nonce": .base64([4, 5]),
        "image_hdr_tags": .base64(.zeros(208)),
    ]

    private static func text(_ change: (inout JSONObject) -> Void = { _ in }) -> [UInt8] {
        var object = json
        change(&object)
        return JSONValue.object(object).serialized()
    }

    private static func native<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number) { Array($0) }
    }

    /// An ultravisor that answers with fixed bytes, and checks the structures.
    private func kernel(code: UInt16 = 1, error: Int32 = 0) -> (SimulatedKernel, SimulatedDevice) {
        let device = SimulatedDevice { request throws(GuestError) in
            guard request.number == 0xC040_7501, request.argument.count == 64, let block = request.buffer(at: 8),
                request.buffers[block].count == 0x138
            else { return request.unknown }
            if error != 0 { return request.refused(error) }
            var argument = request.argument
            argument.replaceSubrange(4..<8, with: Self.native(code) + Self.native(UInt16(0x0203)))
            var buffers = request.buffers
            buffers[block].replaceSubrange(0x118..<0x128, with: [UInt8](repeating: 0xC1, count: 16))
            buffers[2] = [UInt8](repeating: 0x3E, count: buffers[2].count)
            if buffers.count > 3 { buffers[3] = [UInt8](repeating: 0xAD, count: buffers[3].count) }
            return DeviceAnswer(argument: argument, buffers: buffers)
        }
        let kernel = SimulatedKernel()
        kernel.put(.device(device), at: Ultravisor.path)
        return (kernel, device)
    }

    @Test("GC 9.A.16: a request survives being read and written, with a digest and without")
    func roundTrip() throws {
        let request = try SERequest(parsing: Self.text())
        #expect(request.runtimeDataDigest == nil)
        #expect(JSONValue.object(request.json) == .object(Self.json))
        #expect(request.json["runtime_data_digest"] == nil)
        #expect(request.block == .zeros(32) && request.measurementSize == 64 && request.additionalSize == 32)
        var bound = request
        bound.runtimeDataDigest = [UInt8](repeating: 0xBB, count: 48)
        let read = try SERequest(parsing: JSONValue.object(bound.json).serialized())
        #expect(read == bound)
        #expect(bound.json["runtime_data_digest"] == .base64([UInt8](repeating: 0xBB, count: 48)))
        #expect(try SERequest(parsing: Self.text { $0["runtime_data_digest"] = .null }).runtimeDataDigest == nil)
    }

    @Test("GC 9.A.16: the digest of the session is put into the verifier's request, which is the nonce")
    func binding() throws {
        let attester = SEAttester(kernel: SimulatedKernel())
        let nonce = String(decoding: Self.text(), as: UTF8.self)
        let data = try attester.boundData(digest: [1, 2, 3], nonce: nonce)
        #expect(try SERequest(parsing: data).runtimeDataDigest == [1, 2, 3])
        for nonce in ["", "AAAA", "[]", "{}"] {
            #expect { try attester.boundData(digest: [1], nonce: nonce) } throws: {
                ($0 as? GuestError)?.code == .invalidRequest
            }
        }
        // Everybody else is given the digest itself.
        #expect(try SampleAttester().boundData(digest: [1, 2], nonce: "x") == [1, 2])
    }

    @Test("GC 9.A.16: a handshake whose nonce is the verifier's request ends in a measurement of the session")
    func handshake() async throws {
        let (kernel, _) = kernel()
        let nonce = String(decoding: Self.text(), as: UTF8.self)
        let key = try JWEPrivateKey.generate(.ecP256)
        let handshake = Handshake(
            connection: try BrokerConnection(plainConfiguration("http://127.0.0.1:9")),
            attester: SEAttester(kernel: kernel), keyKind: .ecP256, initData: nil, clock: .system)
        let challenge = Challenge(nonce: nonce, extraParameters: ["selected-hash-algorithm": "sha512"])
        let body = try JSONValue(parsing: await handshake.attestation(challenge, key: key).serialized())
        let digest = try ReportData.digest(
            nonce: nonce, teeKey: key.publicJWK, additionalEvidence: "", hash: .sha512)
        #expect(body[pointer: "/tee-evidence/primary_evidence/user_data"] == .base64(digest))
    }

    @Test("GC 9.A.16: the digest is padded to 64 bytes of user data", arguments: [0, 1, 32, 48, 64])
    func padding(count: Int) async throws {
        let (kernel, device) = kernel()
        let digest = [UInt8](repeating: 0xAA, count: count)
        let evidence = try await SEAttester(kernel: kernel).evidence(
            reportData: Self.text { $0["runtime_data_digest"] = .base64(digest) })
        let padded = digest + .zeros(64 - count)
        #expect(evidence["user_data"] == .base64(padded))
        let attestation = try #require(device.requests.first?.buffers[0])
        #expect(attestation[0x18..<0x58] == padded[...])
        #expect(attestation[0x134..<0x136] == Self.native(UInt16(64))[...])
    }

    @Test("GC 9.A.16: evidence is base64 throughout, and the ultravisor is asked byte for byte")
    func evidence() async throws {
        let (kernel, device) = kernel()
        let evidence = try await SEAttester(kernel: kernel).evidence(
            reportData: Self.text { $0["runtime_data_digest"] = .base64([9]) })
        #expect(
            evidence == [
                "measurement": .base64([UInt8](repeating: 0x3E, count: 64)),
                "additional_data": .base64([UInt8](repeating: 0xAD, count: 32)),
                "user_data": .base64([9] + .zeros(63)), "cuid": .base64([UInt8](repeating: 0xC1, count: 16)),
                "encr_measurement_key": .base64([1, 2, 3]), "encr_request_nonce": .base64([4, 5]),
                "image_hdr_tags": .base64(.zeros(208)),
            ])
        let request = try #require(device.requests.first)
        #expect(request.argument == .zeros(16) + Self.native(UInt32(0x138)) + .zeros(44))
        let sizes =
            Self.native(UInt32(32)) + Self.native(UInt32(64)) + Self.native(UInt32(32)) + Self.native(UInt16(64))
        #expect(Array(request.buffers[0][0x128..<0x136]) == sizes)
        #expect(request.buffers.map(\.count) == [0x138, 32, 64, 32])
        #expect(
            request.pointers == [
                .init(in: .argument, at: 8, to: 0), .init(in: .buffer(0), at: 0, to: 1),
                .init(in: .buffer(0), at: 8, to: 2), .init(in: .buffer(0), at: 16, to: 3),
            ])
    }

    @Test("GC 9.A.16: no digest, too long a digest and bad requests are errors")
    func badRequests() async {
        let (kernel, device) = kernel()
        let attester = SEAttester(kernel: kernel)
        var texts = [Self.text(), Self.text { $0["runtime_data_digest"] = .base64(.zeros(65)) }, [], Array("no".utf8)]
        let digest: (inout JSONObject) -> Void = { $0["runtime_data_digest"] = .base64([9]) }
        for name in Self.json.names {
            texts.append(
                Self.text {
                    digest(&$0)
                    $0[name] = nil
                })
            texts.append(
                Self.text {
                    digest(&$0)
                    $0[name] = "!"
                })
        }
        for (name, value) in [("measurement_size", 0), ("measurement_size", 0x8001), ("additional_size", -1)] {
            texts.append(
                Self.text {
                    digest(&$0)
                    $0[name] = .int(Int64(value))
                })
        }
        for text in texts {
            await #expect {
                try await attester.evidence(reportData: text)
            } throws: {
                ($0 as? GuestError)?.code == .invalidRequest
            }
        }
        #expect(device.requests.isEmpty)
    }

    @Test(
        "an ultravisor that does not measure is an error with its codes",
        arguments: [(UInt16(0x0104), Int32(0)), (UInt16(1), EINVAL)])
    func refusal(code: UInt16, error: Int32) async {
        let (kernel, _) = kernel(code: code, error: error)
        await #expect {
            try await SEAttester(kernel: kernel).evidence(
                reportData: Self.text { $0["runtime_data_digest"] = .base64([9]) })
        } throws: {
            ($0 as? GuestError)?.code == .evidence && "\($0)".contains(error == 0 ? "0x104" : "Invalid argument")
        }
    }

    @Test("requests of any text are read or refused")
    func fuzz() {
        var random = SeededGenerator(seed: 0x5E)
        let good = Self.text { $0["runtime_data_digest"] = .base64([9]) }
        for _ in 0..<5000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = .random(in: .min ... .max, using: &random)
            }
            let request = try? SERequest(parsing: bytes)
            #expect((request?.measurementSize ?? 1) > 0)
        }
    }
}
