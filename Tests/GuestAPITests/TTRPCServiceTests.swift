import Encodings
import Foundation
import Guest
import GuestTestSupport
import JOSE
import Logging
import RATS
import TestSupport
import Testing

@testable import GuestAPI

/// An attester with devices, or one that fails.
private struct ScriptedAttester: Attester {
    let tee = TEE.sample
    var additionalTEEs: [TEE] = []
    var failure: GuestError?

    func evidence(reportData: [UInt8]) async throws(GuestError) -> JSONValue {
        if let failure { throw failure }
        return try await SampleAttester().evidence(reportData: reportData)
    }
}

@Suite("The ttrpc services", .timeLimit(.minutes(5)))
struct TTRPCServiceTests {
    private static let agent = "attestation_agent.AttestationAgentService"

    /// Both programs' services on one socket, in front of a scripted broker.
    private static func serving(
        _ attester: any Attester = SampleAttester(), measurements: RuntimeMeasurements = .disabled,
        trust: SealedSecretTrust = SealedSecretTrust(),
        _ body: @Sendable @escaping (TTRPCTestClient, FakeKBS) async throws -> Void
    ) async throws {
        try await FakeKBS.run { broker, url in
            let agent = try TestAgent(url)
            let services = TTRPCServices.attestationAgent(
                client: agent.client, attester: attester, measurements: measurements, logger: ServerTests.quiet
            ).merging(
                .confidentialDataHub(
                    resources: agent.cache, images: ImageKeys(keys: DecidedResources(agent.cache)),
                    secrets: Unsealer(resources: DecidedResources(agent.cache), trust: trust),
                    logger: ServerTests.quiet))
            let path = ServerTests.socketPath()
            defer { unlink(path) }
            try await ServerTests.serving { announce in
                try await TTRPCServer(
                    services, on: .unix(path: path), logger: ServerTests.quiet, onListening: { await announce(nil) }
                ).run()
            } _: { _ in
                try await TTRPCTestClient.connected(to: path) { try await body($0, broker) }
            }
        }
    }

    @Test(
        "GC 9.A.22: recorded requests get the recorded answers, byte for byte",
        arguments: ["GetTeeType", "GetEvidence", "ExtendRuntimeMeasurement", "GetAdditionalTees", "CDH-GetResource"])
    func recorded(name: String) async throws {
        let vector = try #require(TTRPCFrameTests.Recorded.all.first { $0.name == name })
        var attester = ScriptedAttester()
        if name == "GetAdditionalTees" { attester.additionalTEEs = [.nvidia, .sampledevice] }
        try await Self.serving(attester) { client, broker async throws in
            broker.put("default/key/1", Array("secret".utf8))
            try await client.send(vector.requestFrame)
            let frame = try #require(try await client.next())
            #expect(Array(frame.serialized().readableBytesView) == vector.responseFrame)
        }
    }

    @Test("GC 9.A.22: a token that is not to be had is refused with the recorded bytes")
    func refusedToken() async throws {
        let vector = try #require(TTRPCFrameTests.Recorded.all.first { $0.name == "GetToken-error" })
        try await Self.serving { client, broker async throws in
            broker.script("attest", .error(401, .attestationError, "no (code: x)"))
            try await client.send(vector.requestFrame)
            let frame = try #require(try await client.next())
            #expect(Array(frame.serialized().readableBytesView) == vector.responseFrame)
            #expect(broker.attestations == 1)
        }
    }

    @Test("GC 9.A.23: a kbs token has exactly token and tee_keypair; other types are refused")
    func token() async throws {
        try await Self.serving { client, broker async throws in
            var request = AttestationAgent_GetTokenRequest()
            request.tokenType = "kbs"
            for _ in 0..<3 {
                let answer = try await client.call(Self.agent, "GetToken", payload: request.serializedBytes())
                let token = try AttestationAgent_GetTokenResponse(serializedBytes: answer.payload).token
                let object = try JSONObject(parsing: Array(token))
                #expect(object.map(\.name) == ["token", "tee_keypair"])
                #expect(object["tee_keypair"]?.stringValue?.hasPrefix("-----BEGIN PRIVATE KEY-----") == true)
            }
            #expect(broker.attestations == 1)
            for type in ["coco_as", "x", ""] {
                request.tokenType = type
                let answer = try await client.call(Self.agent, "GetToken", payload: request.serializedBytes())
                #expect(answer.code == 13)
                #expect(answer.message == "[ERROR:attestation-agent] AA-KBC get token failed")
            }
        }
    }

    @Test("GC 9.A.21: without devices there are no additional TEEs, and their evidence is empty")
    func noDevices() async throws {
        try await Self.serving { client, _ async throws in
            #expect(try await client.call(Self.agent, "GetAdditionalTees") == TTRPCAnswer(stream: 1))
            #expect(try await client.call(Self.agent, "GetAdditionalEvidence") == TTRPCAnswer(stream: 1))
        }
    }

    @Test("GC 9.A.22: evidence that cannot be had is refused without saying why, BindInitData as in the reference")
    func refusedEvidence() async throws {
        let attester = ScriptedAttester(failure: GuestError(.evidence, "the device said secret things"))
        try await Self.serving(attester) { client, _ async throws in
            let answer = try await client.call(Self.agent, "GetEvidence", payload: [0x0A, 0x01, 0x01])
            #expect(answer.code == 13 && answer.message == "[ERROR:attestation-agent] AA-KBC get evidence failed")
            let bind = try await client.call(Self.agent, "BindInitData", payload: [0x0A, 0x01, 0x01])
            #expect(bind.code == 5 && bind.message == "/\(Self.agent)/BindInitData is not supported")
        }
    }

    @Test("GC 9.A.12: without an event log an event is NOT_ENABLED, without registers NOT_SUPPORTED, else recorded")
    func events() async throws {
        let vector = try #require(TTRPCFrameTests.Recorded.all.first { $0.name == "ExtendRuntimeMeasurement" })
        let log = EventLogFolder()
        let registers = CountedRegisters()
        for (measurements, result) in [
            (.disabled, [0x08, 0x02]), (try RuntimeMeasurements(into: nil), [0x08, 0x01]),
            (try RuntimeMeasurements(into: registers, path: log.file), []),
        ] as [(RuntimeMeasurements, [UInt8])] {
            try await Self.serving(measurements: measurements) { client, _ async throws in
                let answer = try await client.call(
                    Self.agent, "ExtendRuntimeMeasurement", payload: vector.requestMessage)
                #expect(answer == TTRPCAnswer(stream: 1, payload: result))
            }
        }
        #expect(registers.extended == [17])
    }

    @Test("an event for a register of its own goes there, and one that cannot be recorded fails")
    func eventRegister() async throws {
        let log = EventLogFolder()
        let registers = CountedRegisters()
        let measurements = try RuntimeMeasurements(into: registers, path: log.file)
        try await Self.serving(measurements: measurements) { client, _ async throws in
            var request = AttestationAgent_ExtendRuntimeMeasurementRequest()
            (request.domain, request.operation, request.content) = ("d", "o", "c")
            request.registerIndex = 0
            let method = "ExtendRuntimeMeasurement"
            #expect(try await client.call(Self.agent, method, payload: request.serializedBytes()).code == 0)
            request.domain = "claviger"
            #expect(try await client.call(Self.agent, method, payload: request.serializedBytes()).code == 13)
            request.domain = "d"
            request.content = "two\nlines"
            let answer = try await client.call(Self.agent, method, payload: request.serializedBytes())
            #expect(answer.code == 13)
            #expect(answer.message == "[ERROR:attestation-agent] AA extend runtime measurement failed")
        }
        #expect(registers.extended == [0])
    }

    @Test("GC 9.C.44: a resource that is denied, missing or misnamed is refused with the reference's sentence")
    func refusedResources() async throws {
        try await Self.serving { client, broker async throws in
            broker.script("resource/a/b/denied", .denied)
            for uri in [
                "kbs:///a/b/denied", "kbs:///a/b/missing", "kbs:///", "http:///a/b/c", "kbs+:///a/b/c",
                "kbs:///a/../b/c", "",
            ] {
                var request = Api_GetResourceRequest()
                request.resourcePath = uri
                let answer = try await client.call(
                    "api.GetResourceService", "GetResource", payload: request.serializedBytes())
                #expect(answer.code == 13 && answer.message == "[CDH] [ERROR]: Get Resource failed", "\(uri)")
            }
            #expect(broker.attestations == 1)
        }
    }

    @Test("GC 9.C.49: resources come as they are, whatever host the URI names; more than 4 MiB do not come")
    func resources() async throws {
        try await Self.serving { client, broker async throws in
            broker.put("a/b/c", [0, 255, 10])
            broker.put("a/b/large", [UInt8](repeating: 7, count: TTRPCFrame.maximumDataBytes))
            func resource(_ uri: String) async throws -> TTRPCAnswer {
                var request = Api_GetResourceRequest()
                request.resourcePath = uri
                return try await client.call(
                    "api.GetResourceService", "GetResource", payload: request.serializedBytes())
            }
            for uri in ["kbs:///a/b/c", "kbs://broker.example:8080/a/b/c", "kbs+resource:///a/b/c"] {
                #expect(try await resource(uri).payload == [0x0A, 3, 0, 255, 10])
            }
            #expect(broker.recorded("resource/a/b/c").count == 1)
            let large = try await resource("kbs:///a/b/large")
            #expect(large.code == 3 && large.message.contains("exceed maximum message size of 4194304"))
        }
    }

    @Test("GC 65: ocicrypt's recorded request is unwrapped over ttrpc; what is none gets the reference's sentence")
    func unwrapKey() async throws {
        let service = "keyprovider.KeyProviderService"
        let layer = try #require(try Vectors.json("unwrap-vectors.json")[pointer: "/layers/0"])
        let kek = try Vectors.bytes("kek.bin")
        try await Self.serving { client, broker async throws in
            broker.put("default/image-kek/proof-1", kek)
            var input = Keyprovider_KeyProviderKeyWrapProtocolInput()
            input.keyProviderKeyWrapProtocolInput = Data(
                try #require(layer["unwrap_input_from_go_ocicrypt"]).serialized())
            let answer = try await client.call(service, "UnWrapKey", payload: input.serializedBytes())
            let output = try Keyprovider_KeyProviderKeyWrapProtocolOutput(serializedBytes: answer.payload)
            let results = try JSONValue(parsing: Array(output.keyProviderKeyWrapProtocolOutput))
            let bytes = try #require(results[pointer: "/keyunwrapresults/optsdata"]?.byteArrayValue)
            #expect(try JSONValue(parsing: bytes) == layer["optsdata"])

            broker.script("resource/default/image-kek/proof-1", .denied)
            let denied = try await client.call(service, "UnWrapKey", payload: input.serializedBytes())
            #expect(denied.code == 13 && denied.message == "[CDH] [ERROR]: Decrypt Image (UnwrapKey) failed")
            let vector = try #require(TTRPCFrameTests.Recorded.all.first { $0.name == "CDH-UnWrapKey" })
            let illegal = try await client.call(service, "UnWrapKey", payload: vector.requestMessage)
            #expect(illegal.code == 13 && illegal.message == "[ERROR] UnwrapKey Parse request failed")
            let wrap = try await client.call(service, "WrapKey", payload: vector.requestMessage)
            #expect(wrap.code == 5 && wrap.message == "/\(service)/WrapKey is not supported")
        }
    }

    @Test(
        "GC 9.D.57: UnsealSecret gives out the value of what a trusted key signed, and otherwise the reference's sentence"
    )
    func unseal() async throws {
        let (own, other) = (try SigningKey.generate(.es256), try SigningKey.generate(.es256))
        let secret = SealedSecret(.vault(name: "kbs:///a/b/c"), provider: "kbs")
        try await Self.serving(trust: SealedSecretTrust(keys: [own.verificationKey])) { client, broker async throws in
            broker.put("a/b/c", Array("plain".utf8))
            for (key, isTrusted) in [(own, true), (other, false)] {
                var request = Api_UnsealSecretInput()
                request.secret = Data(try SealedText.seal(secret, keyID: "kbs:///x/y/z", with: key).utf8)
                let answer = try await client.call(
                    "api.SealedSecretService", "UnsealSecret", payload: request.serializedBytes())
                if isTrusted {
                    #expect(answer.payload == [0x0A, 5] + Array("plain".utf8))
                } else {
                    #expect(answer.code == 13 && answer.message == "[CDH] [ERROR]: Unseal Secret failed")
                }
            }
        }
    }

    @Test(
        "GC 9.G.74: SecureMount reads kata's request and fails in the reference's words, without telling the caller why"
    )
    func secureMount() async throws {
        let logs = LogCapture()
        try await FakeKBS.run { _, url in
            let agent = try TestAgent(url)
            let services = TTRPCServices.confidentialDataHub(
                resources: agent.cache, images: ImageKeys(keys: DecidedResources(agent.cache)),
                volumes: Volumes(keys: VolumeKeys(agent.cache)), logger: logs.logger())
            let path = ServerTests.socketPath()
            defer { unlink(path) }
            try await ServerTests.serving { announce in
                try await TTRPCServer(
                    services, on: .unix(path: path), logger: ServerTests.quiet, onListening: { await announce(nil) }
                ).run()
            } _: { _ in
                try await TTRPCTestClient.connected(to: path) { client in
                    var request = Api_SecureMountRequest()
                    request.volumeType = "block-device"
                    request.mountPoint = "/run/kata-containers/image/"
                    request.options = [
                        "deviceId": "4095:1048575", "sourceType": "empty", "encryptionType": "luks2",
                        "targetType": "fileSystem", "filesystemType": "ext4", "dataIntegrity": "true",
                    ]
                    let refused = TTRPCAnswer(stream: 1, code: 13, message: "[CDH] [ERROR]: Secure Mount failed")
                    for change in [[:], ["encryptionType": "zfs"], ["dataIntegrity": "maybe"]] as [[String: String]] {
                        var changed = request
                        changed.options.merge(change) { $1 }
                        let answer = try await client.call(
                            "api.SecureMountService", "SecureMount", payload: changed.serializedBytes())
                        #expect(answer == refused)
                    }
                }
            }
        }
        let reasons = logs.text.split(separator: "\n").filter { $0.contains("\"reason\"") }
        #expect(reasons.count == 3)
        for (reason, word) in zip(reasons, ["deviceId", "zfs", "dataIntegrity"]) { #expect(reason.contains(word)) }
    }

    @Test("GC 9.C.44: what this agent does not do fails, in the reference's words, and never looks done")
    func refusedServices() async throws {
        let sealed = try #require(TTRPCFrameTests.Recorded.all.first { $0.name == "CDH-UnsealSecret" })
        try await Self.serving { client, broker async throws in
            let unseal = try await client.call(
                "api.SealedSecretService", "UnsealSecret", payload: sealed.requestMessage)
            #expect(unseal == TTRPCAnswer(stream: 1, code: 13, message: "[CDH] [ERROR]: Unseal Secret failed"))
            let mount = try await client.call("api.SecureMountService", "SecureMount")
            #expect(mount == TTRPCAnswer(stream: 1, code: 13, message: "[CDH] [ERROR]: Secure Mount failed"))
            var image = Api_ImagePullRequest()
            image.imageURL = "registry.example/app:1"
            image.bundlePath = "/run/bundle"
            let pull = try await client.call("api.ImagePullService", "PullImage", payload: image.serializedBytes())
            #expect(pull.code == 13 && pull.message.hasPrefix("[CDH] [ERROR]: Image Pull error: "))
            #expect(broker.attestations == 0)
        }
    }
}
