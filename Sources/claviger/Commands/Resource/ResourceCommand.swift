import ArgumentParser
import KBSProtocol

struct ResourceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resource", abstract: "Store, list, delete and fetch resources.",
        subcommands: [
            ResourcePutCommand.self, ResourceGetCommand.self, ResourceListCommand.self, ResourceVersionsCommand.self,
            ResourceDeleteCommand.self,
        ])
}

/// `REPOSITORY/TYPE/TAG`, with or without `kbs:///` before it.
struct ResourceArgument: ExpressibleByArgument {
    let path: ResourcePath

    init?(argument: String) {
        let prefix = "kbs:///"
        let text = argument.hasPrefix(prefix) ? String(argument.dropFirst(prefix.count)) : argument
        guard let path = try? ResourcePath(text) else { return nil }
        self.path = path
    }

    var uri: String { "kbs:///\(path)" }
}
