import Encodings

/// How one pod gets the parts of an agent that it does not have yet.
struct PodInjection: Sendable {
    let pod: PodShape
    let parts: AgentParts

    /// The changes; none when everything is there.
    ///
    /// - Throws: ``InjectionRefusal`` `conflict` when something else is where a part shall be, and `too_large`.
    func patch() throws(InjectionRefusal) -> [JSONValue] {
        try refuseOfAnother()
        var patch = PodPatch()
        try annotate(&patch)
        try addVolumes(&patch)
        // Before the container: its place moves the other init containers.
        try addMounts(&patch)
        try addContainer(&patch)
        return patch.operations
    }

    /// Two that exchange each other's agents would leave the last one's, of whatever broker and image that is.
    private func refuseOfAnother() throws(InjectionRefusal) {
        guard pod.initContainers.contains(where: { $0.name == InjectionNames.container }),
            let other = Self.injector(in: pod.annotation(InjectionNames.status)),
            other != parts.injector
        else { return }
        throw conflict(
            "Its agent was put in by another injector, '\(other.prefix(80).printable)'. Two are responsible for this namespace: "
                + "let one of them leave it out. A pod that was copied needs neither the container \(InjectionNames.container) "
                + "nor the annotation \(InjectionNames.status).")
    }

    private static func injector(in status: String?) -> String? {
        status.flatMap { try? JSONObject(parsing: $0) }?["injector"]?.stringValue
    }

    private func annotate(_ patch: inout PodPatch) throws(InjectionRefusal) {
        var annotations = pod.annotations
        let missing = parts.annotations.filter { annotations[$0.name]?.stringValue != $0.value }
        for (name, value) in missing { annotations[name] = .string(value) }
        let size = annotations.reduce(0) { $0 + $1.name.utf8.count + ($1.value.stringValue?.utf8.count ?? 0) }
        guard size <= PodInjector.annotationLimit else {
            throw InjectionRefusal(
                code: "too_large",
                message: "With the agent's configuration its annotations would have \(size) bytes; "
                    + "\(PodInjector.annotationLimit) are allowed.")
        }
        guard pod.metadata["annotations"]?.objectValue != nil else {
            let all = missing.map { ($0.name, JSONValue.string($0.value)) }
            if !all.isEmpty { patch.add("/metadata/annotations", .object(JSONObject(all))) }
            return
        }
        for (name, value) in missing { patch.add("/metadata/annotations/" + PodPatch.step(name), .string(value)) }
    }

    private func addVolumes(_ patch: inout PodPatch) throws(InjectionRefusal) {
        var missing: [JSONValue] = []
        for volume in parts.volumes {
            let name = volume["name"]?.stringValue ?? ""
            switch pod.volumes.first(where: { $0["name"]?.stringValue == name }) {
            case nil: missing.append(.object(volume))
            case volume?: break
            case _?: throw conflict("It has a volume of its own that is called \(name): give it another name.")
            }
        }
        patch.append(missing, to: "/spec/volumes", exists: pod.spec["volumes"]?.arrayValue != nil)
    }

    private func addMounts(_ patch: inout PodPatch) throws(InjectionRefusal) {
        let others = pod.containers + pod.initContainers.filter { $0.name != InjectionNames.container }
        guard others.count * parts.sharedMounts.count <= PodInjector.mostMounts else {
            throw InjectionRefusal(
                code: "too_large",
                message:
                    "\(others.count) containers with \(parts.sharedMounts.count) folders each are too many: write the "
                    + "files of the AgentProfile into fewer folders.")
        }
        let present = others.reduce(0) { $0 + $1.mounts.count }
        // Each of them is compared with each folder.
        guard present <= PodInjector.mostMounts else {
            throw InjectionRefusal(
                code: "too_large",
                message: "Its containers have \(present) mounts; \(PodInjector.mostMounts) are allowed with an agent.")
        }
        for container in others {
            var missing: [JSONValue] = []
            let paths = container.mounts.map { AgentFolders.plain($0["mountPath"]?.stringValue ?? "") }
            for mount in parts.sharedMounts where !container.mounts.contains(mount) {
                try refuse(container, with: paths, at: mount["mountPath"]?.stringValue ?? "")
                missing.append(.object(mount))
            }
            patch.append(
                missing, to: container.pointer + "/volumeMounts",
                exists: container.json["volumeMounts"]?.arrayValue != nil)
        }
    }

    /// A container that mounts something where the files shall be, or below, would not see them, or not start.
    private func refuse(
        _ container: PodShape.Container, with paths: [String], at folder: String
    ) throws(InjectionRefusal) {
        for path in paths {
            guard path != folder, !path.hasPrefix(folder + "/") else {
                throw conflict(
                    "The container \(container.name.printable) has a mount at \(path.printable), and the agent's files are to be "
                        + "in \(folder): move one of them.")
            }
        }
    }

    private func addContainer(_ patch: inout PodPatch) throws(InjectionRefusal) {
        let name = InjectionNames.container
        guard !pod.containers.contains(where: { $0.name == name }) else {
            throw conflict("It has a container of its own that is called \(name): give it another name.")
        }
        let present = pod.initContainers.indices.filter { pod.initContainers[$0].name == name }
        if let place = present.first {
            let container = pod.initContainers[place].json
            let isCurrent = AgentParts.substance(of: container) == AgentParts.substance(of: parts.container)
            if isCurrent, present == [0] { return }
            guard present.count == 1, isCurrent || isOwn(container) else { throw foreign(container) }
            patch.remove("/spec/initContainers/\(place)")
        }
        guard pod.spec["initContainers"]?.arrayValue != nil else {
            return patch.add("/spec/initContainers", [.object(parts.container)])
        }
        patch.add("/spec/initContainers/0", .object(parts.container))
    }

    /// Whether this program, perhaps an older version or with other settings, made the container: the pod says what it got.
    /// Whoever forges that gets the right container in its place.
    private func isOwn(_ container: JSONObject) -> Bool {
        guard let text = pod.annotation(InjectionNames.status),
            let digest = (try? JSONObject(parsing: text))?["digest"]?.stringValue
        else { return false }
        return !digest.isEmpty && digest == AgentParts.digest(of: container)
    }

    private func foreign(_ container: JSONObject) -> InjectionRefusal {
        let (found, wanted) = (AgentParts.substance(of: container), AgentParts.substance(of: parts.container))
        let fields = Set(found.names + wanted.names).filter { found[$0] != wanted[$0] }.sorted()
        return conflict(
            "It has a container \(InjectionNames.container) that is not the agent which this controller makes: "
                + "\(fields.joined(separator: ", ").printable) differ. Leave the container out; the controller adds it."
        )
    }

    private func conflict(_ message: String) -> InjectionRefusal {
        InjectionRefusal(code: "conflict", message: message)
    }
}
