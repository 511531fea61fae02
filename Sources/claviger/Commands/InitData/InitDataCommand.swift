import ArgumentParser

struct InitDataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "initdata",
        abstract: "Build init-data documents, look at them, and tell what hardware shows of them.",
        discussion: """
            Init-data is the configuration that a confidential guest is started with and that its hardware measures: one \
            TOML document with files in it. Its digest covers the exact bytes, so one line feed more is another document. \
            Everywhere a document is read it may be the TOML, the annotation of a pod (base64 of gzip), the gzip, or the \
            disk image that kata makes of it.
            """,
        subcommands: [
            InitDataBuildCommand.self, InitDataShowCommand.self, InitDataDigestCommand.self, InitDataVerifyCommand.self,
        ])
}
