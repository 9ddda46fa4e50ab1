import { type Case, call, refusal } from './case.ts';
import { spreadBasket } from './place.ts';

export const quoteCase: Case = {
  name: 'quote',
  title: 'Quotes 3 items with a discount code.',
  operations: 4000,
  against: ['single_row', 'transfer', 'tpcb'],
  onlyReads: true,
  async prepare(shop, count) {
    const statements = Array.from({ length: count }, (_, index) => {
      const { userId, lines } = spreadBasket(shop, index, 3);
      const items = lines.map(({ id }) => ({ variant_id: id, quantity: 1 }));
      return call('order_quote', {
        p_items: JSON.stringify(items),
        p_discount_code: 'BENCH10',
        p_user_id: userId,
      });
    });
    return {
      operation: (index) => statements.slice(index, index + 1),
      complaint: refusal,
      moves: {},
    };
  },
};
