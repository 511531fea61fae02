import ArgumentParser
import Guest

/// What concerns encrypted volumes.
struct VolumeOptions: ParsableArguments {
    @Option(
        help: """
            Folder in memory for volumes' headers while they are checked and opened. \
            Default: /run/confidential-containers/cdh/luks-headers.
            """)
    var volumeHeaderFolder: String?

    @Flag(help: "Open volumes that this agent did not format, when their headers are as expected otherwise.")
    var volumeAllowUnsealed = false

    func settings(_ variables: AgentVariables) throws -> VolumeSettings {
        var settings = VolumeSettings()
        if let folder = volumeHeaderFolder ?? variables.text("volume-header-folder") {
            guard folder.hasPrefix("/") else { throw ValidationError("--volume-header-folder is an absolute path") }
            settings.headerFolder = folder
        }
        settings.allowUnsealed = try volumeAllowUnsealed || variables.flag("volume-allow-unsealed")
        return settings
    }
}
