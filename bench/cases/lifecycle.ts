import { at, type Case, call, refusal } from './case.ts';
import { placed, placedAnd } from './placed.ts';

const against = ['transfer', 'single_row', 'tpcb'];
const total = (orders: { total: number }[]) => orders.reduce((sum, one) => sum + one.total, 0);

const edit: Case = {
  name: 'edit',
  title: 'Makes the one piece of an order two: the wallet pays the difference.',
  operations: 2000,
  against,
  async prepare(shop, count) {
    const orders = await placed(shop, count);
    const p_changes = JSON.stringify([{ line_number: 1, quantity: 2 }]);
    return {
      operation: (index) => [
        call('ledger_edit_order', { p_order_id: at(orders, index).id, p_changes }),
      ],
      complaint: refusal,
      moves: { spent: total(orders), stock: -count },
    };
  },
};

const ship: Case = {
  name: 'ship',
  title: 'Ships orders of 1 item, whole.',
  operations: 2000,
  against,
  async prepare(shop, count) {
    const orders = await placedAnd(shop, count, ['processing']);
    return {
      operation: (index) => [call('ledger_ship_order', { p_order_id: at(orders, index).id })],
      complaint: refusal,
      moves: {},
    };
  },
};

const refund: Case = {
  name: 'refund',
  title: 'Refunds the one line of delivered orders to the wallet.',
  operations: 1500,
  against,
  async prepare(shop, count) {
    const orders = await placedAnd(shop, count, ['processing', 'delivered']);
    const p_lines = JSON.stringify([{ line_number: 1, quantity: 1 }]);
    return {
      operation: (index) => [
        call('ledger_refund_order', { p_order_id: at(orders, index).id, p_lines }),
      ],
      complaint: refusal,
      moves: { spent: -total(orders) },
    };
  },
};

export const lifecycleCases: Case[] = [edit, ship, refund];
