import Policy

/// What an AgentProfile asks for and no injected agent could do, whatever the pod.
struct ProfileCheck: Sendable {
    struct Problem: Sendable, Hashable {
        let field: String
        let message: String
    }

    private(set) var problems: [Problem] = []
    private(set) var warnings: [String] = []

    init(_ profile: AgentProfileSpec, settings: InjectionSettings) {
        checkImage(profile, settings)
        for (index, file) in profile.files.enumerated() { check(file, "spec.files[\(index)]") }
        if let socket = profile.socket { checkFolder(of: socket, "spec.socket") }
        checkOwners(profile.files)
        checkMode(profile)
    }

    private mutating func checkImage(_ profile: AgentProfileSpec, _ settings: InjectionSettings) {
        guard let image = profile.container?.image else { return }
        let field = "spec.container.image"
        if !settings.profilesChooseImages, image != settings.image {
            report(
                field,
                "The image of agents is the controller's to choose here. Leave it out, or have the controller started "
                    + "with --agent-images-of-profiles.")
        }
        if !image.contains("@sha256:") {
            warnings.append("\(field): a tag can be moved to another image; name the image by digest.")
        }
    }

    private mutating func check(_ file: AgentProfileSpec.File, _ field: String) {
        checkFolder(of: file.path, "\(field).path")
        let bits = Int(file.mode, radix: 8) ?? 0
        if bits & 0o400 == 0 || bits & 0o022 != 0 {
            report(
                "\(field).mode",
                "The owner must be able to read the file, and nobody else to write it: write 0400 or 0440.")
        }
        if let lease = file.lease, lease <= file.refreshInterval || file.refreshInterval == 0 {
            report("\(field).lease", "It must be longer than refreshInterval, which renews it.")
        }
        if file.user == 0 {
            report("\(field).user", "The agent runs without the rights of root and cannot give files to it.")
        }
        if file.group == 0 {
            report("\(field).group", "The agent runs without the rights of root and is not of its group.")
        }
    }

    private mutating func checkFolder(of path: String, _ field: String) {
        let folder = AgentFolders.folder(path)
        guard !AgentFolders.isFree(folder) else { return }
        report(
            field,
            "The folder '\(folder.isEmpty ? "/" : folder)' would be hidden from all containers: name one that is only for "
                + "this, such as /run/secrets/NAME.")
    }

    /// Without the right to give files away, the owner of a file is who writes it.
    private mutating func checkOwners(_ files: [AgentProfileSpec.File]) {
        guard Set(files.compactMap(\.user)).count > 1 else { return }
        report(
            "spec.files",
            "Files of several users cannot be written by one agent: give them one user, or groups of the pod.")
    }

    private mutating func checkMode(_ profile: AgentProfileSpec) {
        guard profile.mode == .initOnly else { return }
        if profile.files.isEmpty {
            report("spec.files", "An agent that only writes files and ends needs files to write.")
        }
        if profile.socket != nil { warnings.append("spec.socket: with InitOnly nobody serves it.") }
        if !profile.prefetch.isEmpty { warnings.append("spec.prefetch: with InitOnly nobody answers from memory.") }
        if profile.files.contains(where: { $0.notice != nil || $0.lease != nil }) {
            warnings.append("spec.files: with InitOnly nothing is renewed, told of, or taken away.")
        }
    }

    private mutating func report(_ field: String, _ message: String) {
        problems.append(Problem(field: field, message: message))
    }
}
