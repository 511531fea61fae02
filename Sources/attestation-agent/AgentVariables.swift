import ArgumentParser
import Guest

/// What stands for options that are not on the command line: environment variables, and after them configuration files.
struct AgentVariables {
    static let prefix = "CLAVIGER_AGENT_"

    /// Options that take protection away: switches, and folders that answer in the broker's place.
    static let weakening: Set<String> = [
        "sealed-accept-any-signing-key", "allow-sample", "allow-http", "offline-resources",
    ]

    private let environment: [String: String]
    private let files: [AgentFile]
    private let mayWeaken: Bool

    /// - Parameter mayWeaken: whether variables count that take protection away.
    init(_ environment: [String: String], files: [AgentFile] = [], mayWeaken: Bool = true) {
        self.environment = environment
        self.files = files
        self.mayWeaken = mayWeaken
    }

    /// The secrets of the pod, which only files can describe.
    var secrets: [PodSecret] { files.flatMap(\.secrets) }

    func text(_ option: String) -> String? {
        variable(option) ?? files.lazy.compactMap { $0.values(of: option).first }.first
    }

    func list(_ option: String) -> [String] {
        if let text = variable(option) { return text.split { $0 == " " || $0 == "\n" }.map(String.init) }
        return files.lazy.map { $0.values(of: option) }.first { !$0.isEmpty } ?? []
    }

    /// A list whose items may have spaces in them; a variable has one on each line.
    func lines(_ option: String) -> [String] {
        if let text = variable(option) { return text.split(separator: "\n").map(String.init) }
        return files.lazy.map { $0.values(of: option) }.first { !$0.isEmpty } ?? []
    }

    func flag(_ option: String) throws -> Bool {
        switch text(option)?.lowercased() {
        case nil, "0", "false", "no": return false
        case "1", "true", "yes": return true
        default: throw ValidationError("The variable for --\(option) is true or false")
        }
    }

    func number(_ option: String) throws -> Double? {
        guard let text = text(option) else { return nil }
        guard let number = Double(text) else { throw ValidationError("The variable for --\(option) is a number") }
        return number
    }

    private func variable(_ option: String) -> String? {
        guard mayWeaken || !Self.weakening.contains(option) else { return nil }
        let name = Self.prefix + String(option.uppercased().map { $0 == "-" ? "_" : $0 })
        return environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
}
