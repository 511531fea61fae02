import Encodings

extension FakeCluster {
    private enum Attempt {
        case done(Reply)
        /// A webhook has to be asked first.
        case waiting(WebhookCall, Admission)
    }

    /// More questions than any write has: it changes faster than it can be asked about.
    private static let mostQuestions = 100

    /// Answers a request, asking the webhooks that it concerns.
    func answerAsking(_ request: IncomingRequest) async -> Reply {
        var admission: Admission?
        for _ in 0..<Self.mostQuestions {
            switch attempt(request, admission) {
            case .done(let reply): return reply
            case .waiting(let call, var unfinished):
                unfinished.learn(await call.answer(), to: call)
                admission = unfinished
            }
        }
        return .failure(APIStatus(500, "InternalError", "Internal error occurred: admission does not come to an end"))
    }

    /// Answers a request at once. One that a webhook would have to be asked about is refused.
    func answer(_ request: IncomingRequest) -> Reply {
        switch attempt(request, nil) {
        case .done(let reply): return reply
        case .waiting(let call, _):
            let message = "webhook \"\(call.webhook)\" has to be asked: send this request to the server"
            return .failure(APIStatus(500, "InternalError", "Internal error occurred: \(message)"))
        }
    }

    /// Who asks, whether that is allowed, what comes of it.
    private func attempt(_ request: IncomingRequest, _ known: Admission?) -> Attempt {
        state.withLock { state in
            var admission = known
            do throws(WebhookNeeded) {
                return .done(try reply(to: request, &admission, &state))
            } catch {
                guard let admission else { return .done(.failure(.noSuchPath)) }
                return .waiting(error.call, admission)
            }
        }
    }

    private func reply(
        to request: IncomingRequest, _ admission: inout Admission?, _ state: inout ClusterState
    ) throws(WebhookNeeded) -> Reply {
        let user: ClusterUser
        if let token = request.bearerToken {
            guard let known = state.user(ofToken: token, audiences: [state.issuer]) else {
                return record(.failure(.unauthorized), request, "", &state)
            }
            user = known.user
        } else {
            user = .anonymous
        }
        let route = Route(request.segments, state)
        let access = route.access(request, user)
        let isFirst = admission == nil
        let admitted =
            admission ?? Admission(user: user, isDryRun: request.query["dryRun"] == "All", now: state.now)
        admission = admitted
        let reply: Reply
        do {
            let struck = isFirst ? strike(access, &state) : nil
            if let struck, case .watch(let disturbance, let count) = struck {
                reply = try perform(route, access, request, admitted, &state).disturbed(disturbance, after: count)
            } else if let struck {
                reply = Self.reply(struck)
            } else {
                reply = try perform(route, access, request, admitted, &state)
            }
        } catch let needed as WebhookNeeded {
            throw needed
        } catch let status as APIStatus {
            reply = .failure(status)
        } catch {
            reply = .failure(APIStatus(500, "InternalError", "Internal error occurred: \(error)"))
        }
        return record(reply, request, user.name, &state)
    }

    private static func reply(_ effect: FaultEffect) -> Reply {
        switch effect {
        case .answer(let status): .failure(status)
        case .silence, .watch: .silence
        case .hangUp: .hangUp
        }
    }

    private func strike(_ access: AccessRequest, _ state: inout ClusterState) -> FaultEffect? {
        for position in state.faults.indices {
            let fault = state.faults[position]
            guard fault.remaining != 0, fault.matches(access) else { continue }
            // Watches are not lists, and the other way round.
            if case .watch = fault.effect, access.verb != "watch" { continue }
            state.faults[position].remaining = fault.remaining.map { $0 - 1 }
            return fault.effect
        }
        return nil
    }

    private func record(_ reply: Reply, _ request: IncomingRequest, _ user: String, _ state: inout ClusterState)
        -> Reply
    {
        let status: Int
        switch reply {
        case .json(let code, _, _): status = code
        case .text, .watch: status = 200
        case .silence, .hangUp: status = 0
        }
        state.requests.append(
            RecordedRequest(
                method: request.method, path: request.path, query: request.query, user: user,
                userAgent: request.headers["user-agent"] ?? "", status: status))
        if state.requests.count > 20_000 { state.requests.removeFirst(10_000) }
        return reply
    }

    private func perform(
        _ route: Route, _ access: AccessRequest, _ request: IncomingRequest, _ admission: Admission,
        _ state: inout ClusterState
    ) throws -> Reply {
        try authorize(access, request, state)
        switch route {
        case .path(let segments): return try Discovery(state: state).reply(segments)
        case .review(let name): return try Reviews(state: state, user: access.user).reply(name, request.object())
        case .resource(let kind, let namespace, let name, let subresource):
            guard subresource.isEmpty || subresource == "token" || (subresource == "status" && kind.hasStatus) else {
                throw APIStatus.noSuchPath
            }
            if ["get", "list", "watch"].contains(access.verb) {
                let reading = Reading(state: state, request: request, kind: kind, namespace: namespace)
                switch access.verb {
                case "get": return try reading.get(name)
                case "list": return try reading.list()
                default: return .watch(try reading.watch(name))
                }
            }
            guard subresource != "token" else {
                let account = try Writing(
                    request: request, kind: kind, namespace: namespace, admission: admission
                ).existing(name, state)
                return try Reviews(state: state, user: access.user).token(request.object(), for: account)
            }
            return try write(access, kind, request, admission, &state)
        }
    }

    private func authorize(_ access: AccessRequest, _ request: IncomingRequest, _ state: ClusterState) throws {
        let isPublic = ["/livez", "/readyz", "/healthz", "/version"].contains(request.path)
        guard !isPublic else { return }
        if let why = state.settings.denial(access) { throw access.forbidden(": \(why)") }
        let needsNoRole = access.resource.isEmpty || !state.settings.checksRoles
        let isKnown = access.user != .anonymous
        guard needsNoRole ? isKnown : RoleRules(state: state).allows(access) else { throw access.forbidden("") }
    }

    private func write(
        _ access: AccessRequest, _ kind: ResourceKind, _ request: IncomingRequest, _ admission: Admission,
        _ state: inout ClusterState
    ) throws -> Reply {
        guard kind.isNamespaced == !access.namespace.isEmpty else {
            throw APIStatus(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
        }
        var writing = Writing(request: request, kind: kind, namespace: access.namespace, admission: admission)
        guard admission.isDryRun else { return try write(access, &writing, &state) }
        var trial = state
        trial.watchers = [:]
        let former = state.object(kind, ObjectKey(namespace: access.namespace, name: access.name))?.json
        return try write(access, &writing, &trial).withVersion(former?.resourceVersion)
    }

    private func write(_ access: AccessRequest, _ writing: inout Writing, _ state: inout ClusterState) throws -> Reply {
        let (request, kind, namespace, name) = (writing.request, writing.kind, access.namespace, access.name)
        let object: JSONObject
        var code = 200
        switch access.verb {
        case "create":
            code = 201
            object = try writing.create(&state)
        case "update": object = try writing.replace(name, access.subresource, &state)
        case "patch":
            let existed = state.object(kind, ObjectKey(namespace: namespace, name: name)) != nil
            object = try writing.patch(name, access.subresource, &state)
            code = existed ? 200 : 201
        case "delete": object = try writing.delete(name, &state)
        default: return try deleteSelected(&writing, &state)
        }
        let shape = ObjectShape(accept: request.headers["accept"], includeObject: request.query["includeObject"])
        let isObject = object["kind"]?.stringValue == kind.kind
        return .json(
            code, isObject ? shape.shaped(object, kind, now: state.now) : object, warnings: writing.warnings)
    }

    private func deleteSelected(_ writing: inout Writing, _ state: inout ClusterState) throws -> Reply {
        let kind = writing.kind
        let selected = try Reading(state: state, request: writing.request, kind: kind, namespace: writing.namespace)
            .list()
        guard case .json(_, let list, _) = selected else { throw APIStatus.noSuchPath }
        let doomed = (list["items"]?.arrayValue ?? []).compactMap(\.objectValue).compactMap {
            state.object(kind, ObjectKey(namespace: writing.namespace, name: $0.name))?.json
        }
        for object in doomed { try writing.admitDeletion(of: object, state) }
        for object in doomed { state.delete(object, kind) }
        return selected
    }
}
