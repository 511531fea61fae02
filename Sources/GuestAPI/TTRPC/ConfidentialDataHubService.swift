import FoundationEssentials
public import Guest
import KBSProtocol
public import Logging

extension TTRPCServices {
    /// The services of the confidential-data-hub: resources and image keys from the broker.
    ///
    /// Failures have the reference's sentences, which tell nothing; the reason is logged. What this agent does not do
    /// (image pull) fails in that way, and never looks done.
    ///
    /// - Parameters:
    ///   - resources: where resources come from.
    ///   - images: opens the keys of encrypted image layers.
    ///   - secrets: opens sealed secrets; without it UnsealSecret fails.
    ///   - volumes: opens encrypted volumes; nil refuses them.
    public static func confidentialDataHub(
        resources: any ResourceSource, images: ImageKeys, secrets: (any SecretUnsealer)? = nil,
        volumes: Volumes? = nil, logger: Logger
    ) -> TTRPCServices {
        let face = ConfidentialDataHubFace(
            resources: resources, images: images, secrets: secrets, volumes: volumes, logger: logger)
        return TTRPCServices(face.services)
    }
}

/// What the confidential-data-hub's methods do.
struct ConfidentialDataHubFace: Sendable {
    let resources: any ResourceSource
    let images: ImageKeys
    let secrets: (any SecretUnsealer)?
    let volumes: Volumes?
    let logger: Logger

    var services: [TTRPCService] {
        [
            TTRPCService(
                name: "api.GetResourceService",
                methods: [
                    "GetResource": TTRPCMethod { input async throws(TTRPCStatus) in try await resource(input) }
                ]),
            TTRPCService(
                name: "api.SealedSecretService",
                methods: [
                    "UnsealSecret": TTRPCMethod { input async throws(TTRPCStatus) in try await unseal(input) }
                ]),
            TTRPCService(
                name: "api.SecureMountService",
                methods: [
                    "SecureMount": TTRPCMethod { input async throws(TTRPCStatus) in try await mount(input) }
                ]),
            TTRPCService(
                name: "api.ImagePullService",
                methods: [
                    "PullImage": TTRPCMethod { input async throws(TTRPCStatus) in try await pull(input) }
                ]),
            TTRPCService(
                name: "keyprovider.KeyProviderService",
                methods: [
                    "UnWrapKey": TTRPCMethod { input async throws(TTRPCStatus) in try await unwrapKey(input) }
                ],
                unsupported: ["WrapKey"]),
        ]
    }

    private func resource(_ input: Api_GetResourceRequest) async throws(TTRPCStatus) -> Api_GetResourceResponse {
        do throws(GuestError) {
            var output = Api_GetResourceResponse()
            output.resource = Data(try await resources.resource(Self.uri(input.resourcePath)).copyBytes())
            return output
        } catch {
            throw refusal(of: "GetResource", error, "[CDH] [ERROR]: Get Resource failed")
        }
    }

    /// A guest asks the broker that it was configured with, whatever host the URI names.
    private static func uri(_ text: String) throws(GuestError) -> ResourceURI {
        do throws(KBSProtocolError) {
            return try ResourceURI(text).withoutAuthority()
        } catch {
            throw GuestError(.invalidRequest, error.message)
        }
    }

    private func unwrapKey(
        _ input: Keyprovider_KeyProviderKeyWrapProtocolInput
    ) async throws(TTRPCStatus) -> Keyprovider_KeyProviderKeyWrapProtocolOutput {
        do throws(GuestError) {
            var output = Keyprovider_KeyProviderKeyWrapProtocolOutput()
            output.keyProviderKeyWrapProtocolOutput = Data(
                try await images.unwrap(Array(input.keyProviderKeyWrapProtocolInput)))
            return output
        } catch {
            let sentence =
                error.code == .invalidRequest
                ? "[ERROR] UnwrapKey Parse request failed" : "[CDH] [ERROR]: Decrypt Image (UnwrapKey) failed"
            throw refusal(of: "UnWrapKey", error, sentence)
        }
    }

    private func unseal(_ input: Api_UnsealSecretInput) async throws(TTRPCStatus) -> Api_UnsealSecretOutput {
        do throws(GuestError) {
            var output = Api_UnsealSecretOutput()
            guard let secrets else { throw GuestError(.disabled, "This agent does not open sealed secrets.") }
            guard let text = String(validating: input.secret, as: UTF8.self) else {
                throw GuestError(.invalidSealedSecret, "The sealed secret is refused: it is no text.")
            }
            output.plaintext = Data(try await secrets.unseal(text).copyBytes())
            return output
        } catch {
            throw refusal(of: "UnsealSecret", error, "[CDH] [ERROR]: Unseal Secret failed")
        }
    }

    private func mount(_ input: Api_SecureMountRequest) async throws(TTRPCStatus) -> Api_SecureMountResponse {
        do throws(GuestError) {
            guard let volumes else { throw GuestError(.disabled, "This face does not mount volumes.") }
            let request = try VolumeRequest(
                volumeType: input.volumeType, options: input.options, flags: input.flags, mountPoint: input.mountPoint)
            let opened = try await volumes.open(request)
            logger.info(
                "a volume is open", metadata: ["path": "\(opened.mountPoint)", "mapper": "\(opened.mapperName)"])
            return Api_SecureMountResponse()
        } catch {
            throw refusal(of: "SecureMount", error, "[CDH] [ERROR]: Secure Mount failed")
        }
    }

    private func pull(_ input: Api_ImagePullRequest) async throws(TTRPCStatus) -> Api_ImagePullResponse {
        let reason = "This agent does not pull images; it opens the keys of encrypted ones (UnWrapKey)."
        throw refusal(of: "PullImage", GuestError(.disabled, reason), "[CDH] [ERROR]: Image Pull error: \(reason)")
    }

    private func refusal(of method: String, _ error: GuestError, _ sentence: String) -> TTRPCStatus {
        logger.warning(
            "confidential-data-hub request failed",
            metadata: ["method": "\(method)", "code": "\(error.code.rawValue)", "reason": "\(error)"])
        return TTRPCStatus(.internalError, sentence)
    }
}
