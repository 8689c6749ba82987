import { ApiError, internalError, unauthorized } from './api-error.ts';

/** What is to go wrong, for trying how a reader takes it. Several effects of one fault hold together. */
export interface Fault {
  /** Only requests whose path and query this matches; all without it. */
  for?: RegExp | string;
  /** Only these methods: `['GET']`. */
  methods?: string[];
  /** Answers with this status: 401, 403, 429, 500 and so on. */
  status?: number;
  /** Seconds in `Retry-After`. */
  retryAfter?: number;
  /** Takes the connection and never answers. */
  hang?: boolean;
  /** Closes the connection without an answer. */
  refuse?: boolean;
  /** Answers what is no JSON. */
  garbage?: boolean;
  /** Breaks a watch's connection after that time, in the middle of whatever it says. */
  cutWatchAfterMs?: number;
}

export function findFault(faults: Fault[], method: string, url: string): Fault | undefined {
  return faults.find((fault) => {
    if (fault.methods && !fault.methods.includes(method)) return false;
    return fault.for === undefined || new RegExp(fault.for).test(url);
  });
}

/** The error of a fault's status, as the API server words it. */
export function errorOf(status: number): ApiError {
  switch (status) {
    case 401:
      return unauthorized();
    case 403:
      return new ApiError(
        403,
        'Forbidden',
        'forbidden: User "demo" cannot do this: the demo cluster was told to refuse it',
        {},
      );
    case 404:
      return new ApiError(404, 'NotFound', 'the server could not find the requested resource', {});
    case 410:
      return new ApiError(410, 'Expired', 'The resourceVersion for the provided list is too old.');
    case 429:
      return new ApiError(429, 'TooManyRequests', 'The apiserver is overloaded, please try again later.', {
        retryAfterSeconds: 1,
      });
    case 503:
      return new ApiError(503, 'ServiceUnavailable', 'the server is currently unable to handle the request');
    case 500:
      return internalError('the demo cluster was told to fail');
    default:
      return new ApiError(status, 'Unknown', `the demo cluster was told to answer ${status}`);
  }
}
