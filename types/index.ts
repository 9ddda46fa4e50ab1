export {
  createOrderLedger,
  type OrderLedger,
  type ProcedureInput,
  type ProcedureOutput,
} from './client.ts';
export type { Database } from './database.ts';
export {
  type BusinessErrorCode,
  businessErrors,
  type ClientErrorCode,
  clientErrorCodes,
  type LedgerErrorCode,
} from './error-codes.ts';
export { LedgerError } from './ledger-error.ts';
export type { CallOptions, KeyedCallOptions } from './operation.ts';
export type { Batch, Listing, Operation, Procedure } from './procedure.ts';
export { type ProcedureMethod, type Procedures, procedures } from './procedures/index.ts';
export { orderItem, orderStatus, paymentMethod, paymentStatus } from './procedures/order-shapes.ts';
export { recordedMethod, withdrawalStatus } from './procedures/payments.ts';
export { receiptStatus } from './procedures/receipts.ts';
export type { Sending } from './request.ts';
