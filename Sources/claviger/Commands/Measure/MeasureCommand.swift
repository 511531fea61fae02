import ArgumentParser

struct MeasureCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "measure",
        abstract: "Compute the measurements that evidence will show, from firmware, kernels and images.",
        discussion: """
            Prints the value that a guest's evidence must have, computed from the files it is started from. With \
            --reference-values NAME prints a ReferenceValues document instead, which says of every value from which files, \
            by their digests, and with which settings it was computed; claviger policy apply takes it. Nothing is asked of \
            the network, and files are read piece by piece, however large they are.
            """,
        subcommands: [
            MeasureSNPCommand.self, MeasureSEVCommand.self, MeasureSEVESCommand.self, MeasureTDXCommand.self,
            MeasureCCACommand.self, MeasureSECommand.self, MeasureNitroCommand.self, MeasurePCRCommand.self,
        ])
}
