// The table of the order service. Columns are named as the fields they are shown as.
enum Schema {
    static let migrations = [
        """
        CREATE TABLE orders (
            orderId INTEGER PRIMARY KEY, bookId INTEGER NOT NULL, customerId INTEGER NOT NULL,
            quantity INTEGER NOT NULL, deliveryAddress TEXT, orderStatus TEXT NOT NULL);
        """
    ]
}
