import ArgumentParser
import Guest

/// Which resources are fetched ahead and written to files, checked.
struct SecretSettings: Sendable {
    var projections: [ProjectionTarget]
    var secrets: [PodSecret]
    var allowDisk: Bool
    var removeAtExit: Bool
    var once: Bool
    var cacheSeconds: Double
    var refusalSeconds: Double

    /// Whether there is nothing to fetch ahead.
    var isEmpty: Bool { projections.isEmpty && secrets.isEmpty }

    init(_ options: SecretOptions, _ variables: AgentVariables, file: ComponentFile?) throws {
        allowDisk = try options.allowDisk || variables.flag("allow-disk")
        removeAtExit = try options.removeAtExit || variables.flag("remove-at-exit")
        once = try options.once || variables.flag("once")
        cacheSeconds = try options.cacheSeconds ?? variables.number("cache-seconds") ?? 10
        refusalSeconds = try options.refusalSeconds ?? variables.number("refusal-seconds") ?? 2
        let given = options.project.isEmpty ? variables.list("project") : options.project
        do {
            projections = try given.map(ProjectionTarget.init(argument:)) + (file?.credentials ?? [])
        } catch {
            throw ValidationError("\(error)")
        }
        secrets = variables.secrets
        for (seconds, name) in [(cacheSeconds, "cache-seconds"), (refusalSeconds, "refusal-seconds")] {
            guard (0...86_400).contains(seconds) else { throw ValidationError("--\(name) is 0 to 86400") }
        }
    }
}
