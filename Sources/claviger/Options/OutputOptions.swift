import ArgumentParser
import Encodings

/// How results are printed.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json, yaml
}

/// `-o text|json|yaml`.
struct OutputOptions: ParsableArguments {
    @Option(
        name: [.customShort("o"), .customLong("output-format")],
        help: "Print for people (text) or machines: json, yaml.")
    var format: OutputFormat = .text

    /// Prints the value for machines, or what `text` makes of it for people.
    func print(_ value: JSONValue, text: () -> String) {
        switch format {
        case .text: Terminal.write(text())
        case .json: Terminal.write(EscapedText.json(value.pretty()))
        case .yaml: Terminal.write(EscapedText.yaml(YAMLText.text(value)))
        }
    }

    /// Prints a list: for people as a table of the given columns.
    func print(_ rows: [JSONObject], empty: String, columns: [(title: String, cell: (JSONObject) -> String)]) {
        print(.array(rows.map { .object($0) })) {
            guard !rows.isEmpty else { return empty }
            var table = Table(columns.map(\.title))
            for row in rows { table.add(columns.map { $0.cell(row) }) }
            return table.text()
        }
    }
}

extension JSONObject {
    /// A member for a table cell: strings as they are, absent ones empty, everything else as JSON.
    func cell(_ name: String) -> String {
        guard let value = self[name], !value.isNull else { return "" }
        return value.stringValue ?? value.serializedString()
    }
}
