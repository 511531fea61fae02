import ArgumentParser
import Guest

/// Encrypted volumes for pods: opened once, by a privileged container, with a key from the broker.
struct VolumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "volume", abstract: "Opens and closes encrypted volumes (LUKS2).",
        version: AttestationAgent.version, subcommands: [Open.self, Close.self])

    /// Opens a volume; formats it before only where asked.
    struct Open: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "open",
            abstract: "Opens a volume with a key from the broker, mounts it, and prints its mapper name.")

        @Option(help: "The block device: a path, or MAJOR:MINOR.")
        var device: String

        @Option(
            help: "The key: kbs:///repository/type/tag, sealed.… or file:///path. Without one, data end with the mount."
        )
        var key: String?

        @Option(help: "Where its file system is mounted.")
        var mount: String?

        @Option(help: "In place of --mount: a symbolic link to the opened device.")
        var link: String?

        @Option(help: "Its name below /dev/mapper. Default: a random one.")
        var name: String?

        @Flag(help: "Demand that each sector is authenticated (dm-integrity).")
        var integrity = false

        @Flag(help: "Format the device if its first MiB has nothing but zeros. Otherwise nothing is ever formatted.")
        var formatBlank = false

        @Option(help: "How it is mounted, such as ro or nosuid. Can be repeated.")
        var flag: [String] = []

        @OptionGroup var options: AgentOptions

        func run() async throws {
            try await AgentProgram.run(options, as: .tool) { agent, _ in
                do throws(GuestError) {
                    let opened = try await open(agent.volumes)
                    print(opened.mapperName)
                    return 0
                } catch {
                    throw AgentFailure.refusal(error)
                }
            }
        }

        private func open(_ volumes: Volumes) async throws(GuestError) -> Volumes.Opened {
            guard let place = mount ?? link, mount == nil || link == nil else {
                throw GuestError(.invalidRequest, "One of --mount and --link is needed, not both.")
            }
            let isNumber = !device.hasPrefix("/")
            var wishes = [
                isNumber ? "deviceId" : "devicePath": device, "sourceType": "encrypted", "encryptionType": "luks2",
                "targetType": mount == nil ? "device" : "fileSystem", "dataIntegrity": "\(integrity)",
            ]
            wishes["key"] = key
            wishes["mapperName"] = name
            if key == nil { wishes["sourceType"] = "empty" }
            var request = try VolumeRequest(
                volumeType: "block-device", options: wishes, flags: flag, mountPoint: place)
            let isBlank = try volumes.isBlank(request.device)
            if formatBlank, isBlank { request.source = .empty }
            // A key that nobody will know again leads to formatting, which needs the same consent.
            guard request.source == .encrypted || (formatBlank && isBlank) else {
                throw GuestError(
                    .invalidRequest, "Without --key the device is formatted: say --format-blank, and give a blank one.")
            }
            return try await volumes.open(request)
        }
    }

    /// Closes a volume that was opened by ``Open``.
    struct Close: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "close", abstract: "Unmounts a volume and closes it.")

        @Argument(help: "Its name below /dev/mapper, as it was printed when it was opened.")
        var name: String

        @Option(help: "Where its file system is mounted.")
        var mount: String?

        @Option(help: "The symbolic link to it.")
        var link: String?

        func run() async throws {
            guard let place = mount ?? link, mount == nil || link == nil else {
                throw ValidationError("One of --mount and --link is needed, not both")
            }
            try await Volumes.close(
                Volumes.Opened(mapperName: name, mountPoint: place, target: mount == nil ? .device : .fileSystem))
        }
    }
}
