/** Errors in Google's shape (BigQuery, "Error messages"). */

export class RequestError extends Error {
  readonly code: number
  readonly reason: string
  constructor(code: number, reason: string, message: string) {
    super(message)
    this.code = code
    this.reason = reason
  }
  body(): object {
    const { code, reason, message } = this
    return { error: { code, message, errors: [{ message, domain: 'global', reason }], status: statuses[code] } }
  }
}
const statuses: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'ALREADY_EXISTS',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
}
