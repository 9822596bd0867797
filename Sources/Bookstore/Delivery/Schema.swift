// The table of the delivery service. Columns are named as the fields they are shown as.
enum Schema {
    static let migrations = [
        """
        CREATE TABLE deliveries (
            id INTEGER PRIMARY KEY, orderId INTEGER NOT NULL, deliveryAddress TEXT, deliveryStatus TEXT NOT NULL);
        """
    ]
}
