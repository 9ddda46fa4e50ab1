/** What the API itself may find, beside the refusals that are rows of public.error_codes. */
export const ownErrors = {
  invalid_input: [400, 'A part of the request does not fit its schema.'],
  invalid_json: [400, 'The body is not JSON.'],
  not_signed_in: [401, 'There is no access token, or it is not valid.'],
  permission_denied: [403, 'The caller lacks the permission that detail names.'],
  unknown_path: [404, 'No endpoint has this path.'],
  error_code_not_found: [404, 'No error has this code.'],
  method_not_allowed: [405, 'The path has other methods; Allow lists them.'],
  body_too_large: [413, 'The body is larger than what is taken.'],
  unsupported_media_type: [415, 'The body is not application/json.'],
  internal_error: [500, 'A defect of the server.'],
  connection_lost: [
    503,
    'The database does not answer; whether the call had its effect is not known.',
  ],
  busy: [503, 'Something was locked for too long; nothing has changed.'],
} as const;

export type OwnError = keyof typeof ownErrors;
