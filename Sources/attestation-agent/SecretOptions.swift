import ArgumentParser

/// Which resources are fetched ahead and written to files.
struct SecretOptions: ParsableArguments {
    @Option(help: "Write a resource to a file: kbs:///repository/type/tag=/path. Can be repeated.")
    var project: [String] = []

    @Flag(help: "Allow projected files on file systems that are not memory-backed.")
    var allowDisk = false

    @Flag(help: "Remove projected files and secrets at the end.")
    var removeAtExit = false

    @Flag(help: "Fetch and write the projected files and secrets, then end.")
    var once = false

    @Option(help: "Seconds for which the REST face keeps a resource; 0 asks the broker each time. Default: 10.")
    var cacheSeconds: Double?

    @Option(help: "Seconds for which a refused resource is not asked for again. Default: 2.")
    var refusalSeconds: Double?
}
