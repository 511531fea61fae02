import Encodings
public import Guest
import KBSProtocol

/// What the REST face answers: the routes and bodies of the reference implementation, and an honest `/v1` beside them.
public struct RESTFace: Sendable {
    let client: KBSClient
    let resources: any ResourceSource
    let attester: any Attester
    let readiness: Readiness
    let features: RESTFeatures
    let version: String
    let measurements: RuntimeMeasurements
    let unsealer: (any SecretUnsealer)?
    let peers: AllowedPeers?
    let metrics: (@Sendable () -> String)?
    /// Paths that say nothing about secrets and are open to whoever can connect.
    private static let openPaths: Set<String> = ["/healthz", "/readyz", "/startupz", "/info"]

    /// A face over these parts.
    ///
    /// - Parameters:
    ///   - client: hands out tokens.
    ///   - resources: where resources come from, usually a cache before `client`.
    ///   - attester: collects the evidence that `/aa/evidence` asks for.
    ///   - readiness: answers `/readyz`.
    ///   - features: which routes exist.
    ///   - version: the program's version, shown by `/info`.
    ///   - measurements: measures the events that `/aa/aael` gets, where that is wanted and possible.
    ///   - unsealer: opens sealed secrets for `/v1/unseal`; nil leaves that route out.
    ///   - peers: who may ask for which paths on a Unix socket; nil leaves it to the socket file's mode.
    ///   - metrics: the text for `/metrics` (Prometheus exposition format 0.0.4); nil leaves that route out.
    public init(
        client: KBSClient, resources: any ResourceSource, attester: any Attester, readiness: Readiness,
        features: RESTFeatures, version: String, measurements: RuntimeMeasurements = .disabled,
        unsealer: (any SecretUnsealer)? = nil, peers: AllowedPeers? = nil,
        metrics: (@Sendable () -> String)? = nil
    ) {
        self.client = client
        self.resources = resources
        self.attester = attester
        self.readiness = readiness
        self.features = features
        self.version = version
        self.measurements = measurements
        self.unsealer = unsealer
        self.peers = peers
        self.metrics = metrics
    }

    func answer(_ request: RESTRequest) async -> RESTAnswer {
        if let peer = request.peer {
            guard PeerRule.isLocal(peer), request.authority.map(PeerRule.isLocal(authority:)) ?? true else {
                return .text(403, "Forbidden")
            }
        }
        let path = request.path
        let isAllowed = isAllowed(request)
        guard isAllowed || Self.openPaths.contains(path) else { return Self.forbidden(path) }
        switch path {
        case "/info": return info(request)
        case "/healthz": return .text(200, "ok")
        case "/readyz": return Self.readiness(await readiness.obstacles(), isAllowed)
        case "/startupz": return Self.readiness(await readiness.obstaclesToStart(), isAllowed)
        case "/metrics": return await metricsText(request)
        default: break
        }
        if path.hasPrefix("/aa/") { return await attestation(request, String(path.dropFirst(4))) }
        if path.hasPrefix("/cdh/resource/") { return await resource(String(path.dropFirst(14))) }
        return await honest(request, path) ?? .text(404, "URL NOT FOUND")
    }

    private func info(_ request: RESTRequest) -> RESTAnswer {
        guard request.method == "GET" else { return .text(405, "Method Not Allowed") }
        var object: JSONObject = ["version": .string(version)]
        if features.hasAttestation { object["tee"] = .string(attester.tee.rawValue) }
        let devices = features.hasAttestation ? attester.additionalTEEs : []
        if !devices.isEmpty { object["additional_tees"] = .array(devices.map { .string($0.rawValue) }) }
        object["feature"] = .string(features.rawValue)
        return .json(200, object)
    }

    private func metricsText(_ request: RESTRequest) async -> RESTAnswer {
        guard let metrics else { return .text(404, "URL NOT FOUND") }
        guard request.method == "GET" else { return .text(405, "Method Not Allowed") }
        await client.refreshMetrics()
        return RESTAnswer(
            status: 200, contentType: "text/plain; version=0.0.4; charset=utf-8", body: Array(metrics().utf8))
    }

    /// Where callers are named, somebody whom nobody vouches for may not ask.
    private func isAllowed(_ request: RESTRequest) -> Bool {
        guard let peers else { return true }
        return request.caller.map { peers.allow($0, toCall: request.path) } ?? false
    }

    /// Names of files and resources are for callers with a permission only; others get their number.
    private static func readiness(_ obstacles: [String], _ areNamed: Bool) -> RESTAnswer {
        guard obstacles.isEmpty else {
            guard areNamed else {
                return .json(503, ["ready": false, "obstacle_count": .int(Int64(obstacles.count))])
            }
            return .json(503, ["ready": false, "obstacles": .array(obstacles.map { .string($0) })])
        }
        return .json(200, ["ready": true])
    }
}
