import Encodings

extension FakeCluster {
    /// Answers a request: who asks, whether that is allowed, what comes of it.
    func answer(_ request: IncomingRequest) -> Reply {
        state.withLock { state in
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
            do {
                if let struck = strike(access, &state) {
                    guard case .watch(let disturbance, let count) = struck else {
                        return record(Self.reply(struck), request, user.name, &state)
                    }
                    let reply = try perform(route, access, request, &state)
                    guard case .watch(var plan) = reply else { return record(reply, request, user.name, &state) }
                    plan.disturbance = (count, disturbance)
                    return record(.watch(plan), request, user.name, &state)
                }
                return record(try perform(route, access, request, &state), request, user.name, &state)
            } catch let status as APIStatus {
                return record(.failure(status), request, user.name, &state)
            } catch {
                return record(
                    .failure(APIStatus(500, "InternalError", "Internal error occurred: \(error)")), request, user.name,
                    &state)
            }
        }
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
        _ route: Route, _ access: AccessRequest, _ request: IncomingRequest, _ state: inout ClusterState
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
                let account = try Writing(request: request, kind: kind, namespace: namespace).existing(name, state)
                return try Reviews(state: state, user: access.user).token(request.object(), for: account)
            }
            return try write(access, kind, request, &state)
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
        _ access: AccessRequest, _ kind: ResourceKind, _ request: IncomingRequest, _ state: inout ClusterState
    ) throws -> Reply {
        guard kind.isNamespaced == !access.namespace.isEmpty else {
            throw APIStatus(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
        }
        guard request.query["dryRun"] != "All" else {
            var trial = state
            trial.watchers = [:]
            return try write(access, kind, request, into: &trial)
        }
        return try write(access, kind, request, into: &state)
    }

    private func write(
        _ access: AccessRequest, _ kind: ResourceKind, _ request: IncomingRequest, into state: inout ClusterState
    ) throws -> Reply {
        guard case .resource(_, let namespace, let name, let subresource) = Route(request.segments, state) else {
            throw APIStatus.noSuchPath
        }
        var writing = Writing(request: request, kind: kind, namespace: namespace)
        let object: JSONObject
        var code = 200
        switch access.verb {
        case "create":
            code = 201
            object = try writing.create(&state)
        case "update": object = try writing.replace(name, subresource, &state)
        case "patch":
            let existed = state.object(kind, ObjectKey(namespace: namespace, name: name)) != nil
            object = try writing.patch(name, subresource, &state)
            code = existed ? 200 : 201
        case "delete": object = try writing.delete(name, &state)
        default:
            let selected = try Reading(state: state, request: request, kind: kind, namespace: namespace).list()
            guard case .json(_, let list, _) = selected else { throw APIStatus.noSuchPath }
            for item in list["items"]?.arrayValue ?? [] {
                if let found = item.objectValue,
                    let stored = state.object(kind, ObjectKey(namespace: namespace, name: found.name))
                {
                    state.delete(stored.json, kind)
                }
            }
            return selected
        }
        let shape = ObjectShape(accept: request.headers["accept"], includeObject: request.query["includeObject"])
        let isObject = object["kind"]?.stringValue == kind.kind
        return .json(
            code, isObject ? shape.shaped(object, kind, now: state.now) : object, warnings: writing.warnings)
    }
}
