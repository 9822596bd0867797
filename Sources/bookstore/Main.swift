import Broker
import Glibc

@main
enum Main {
    static func main() {
        // The one command there is so far; the command line of the system replaces this.
        let arguments = CommandLine.arguments
        guard arguments.count >= 4, arguments[1] == "broker", arguments[2] == "--dir" else {
            exit(2)
        }
        let port = arguments.count >= 6 && arguments[4] == "--port" ? UInt16(arguments[5]) ?? 0 : 0
        exit(BrokerProcess.run(directory: arguments[3], port: port))
    }
}
