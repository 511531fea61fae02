import Encodings
import Guest
import KBSProtocol

/// The reference's route that hands out resources.
extension RESTFace {
    /// As in the reference: any method, and 500 with a text for every failure.
    func resource(_ path: String) async -> RESTAnswer {
        guard features.hasResources else { return .text(404, "Resource Feature Not Enabled") }
        do throws(GuestError) {
            return .bytes(try await fetch(path).copyBytes())
        } catch {
            return .text(500, "[CDH] [ERROR]: Get Resource failed: \(error)")
        }
    }

    func fetch(_ path: String) async throws(GuestError) -> SecretBytes {
        let uri: ResourceURI
        do throws(KBSProtocolError) {
            uri = try ResourceURI(path: ResourcePath(path).description)
        } catch {
            throw GuestError(.invalidRequest, error.message)
        }
        return try await resources.resource(uri)
    }
}
