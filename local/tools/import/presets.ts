/** How files of a known origin are read; each kind takes of it what it understands. */
export interface Preset {
  description: string;
  currency: string;
  /** In the order in which they need one another. */
  kinds: readonly string[];
  options: Record<string, unknown>;
  columns: Record<string, string>;
}

export const presets: Record<string, Preset> = {
  'online-retail': {
    description:
      'UCI "Online Retail": lines of invoices; products and customers come out of the same file, an InvoiceNo with C is a cancellation',
    currency: 'GBP',
    kinds: ['products', 'customers', 'orders'],
    options: {
      decimal_separator: '.',
      time_zone: 'Europe/London',
      cancellation_prefix: 'C',
      prices_include_tax: true,
    },
    columns: {
      order_number: 'InvoiceNo',
      sku: 'StockCode',
      name: 'Description',
      product_name: 'Description',
      quantity: 'Quantity',
      placed_at: 'InvoiceDate',
      price: 'UnitPrice',
      unit_price: 'UnitPrice',
      customer: 'CustomerID',
      country: 'Country',
    },
  },
};
