/** `details` of a Kubernetes `Status`. */
export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: { reason?: string; message?: string; field?: string }[];
  retryAfterSeconds?: number;
}

/** An answer other than success, as the API server words it. The text is the server's, in English, as on a real cluster. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: number;
  readonly reason: string;
  readonly details: StatusDetails | undefined;
  constructor(code: number, reason: string, message: string, details?: StatusDetails) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  /** The `Status` object of https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ */
  toStatus(): object {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      reason: this.reason,
      ...(this.details && { details: this.details }),
      code: this.code,
    };
  }
}

/** `pods` or `daemonsets.apps`: how the server names a resource in its messages. */
export interface NamedResource {
  group: string;
  plural: string;
  kind: string;
}

export const badRequest = (message: string) => new ApiError(400, 'BadRequest', message);
export const unauthorized = () => new ApiError(401, 'Unauthorized', 'Unauthorized');
export const pathNotFound = () => new ApiError(404, 'NotFound', 'the server could not find the requested resource', {});
export const internalError = (message: string) =>
  new ApiError(500, 'InternalError', `Internal error occurred: ${message}`);

export const methodNotAllowed = () =>
  new ApiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});

export const unsupportedMediaType = (given: string, accepted: string[]) =>
  new ApiError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')} (got ${given || 'none'})`,
  );

export const notFound = (resource: NamedResource, name: string) =>
  new ApiError(404, 'NotFound', `${qualified(resource)} "${name}" not found`, detailsOf(resource, name));

export const alreadyExists = (resource: NamedResource, name: string) =>
  new ApiError(409, 'AlreadyExists', `${qualified(resource)} "${name}" already exists`, detailsOf(resource, name));

export const conflict = (resource: NamedResource, name: string, why: string) =>
  new ApiError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`,
    detailsOf(resource, name),
  );

export const forbidden = (resource: NamedResource, name: string, why: string) =>
  new ApiError(
    403,
    'Forbidden',
    `${qualified(resource)} ${name && `"${name}" `}is forbidden: ${why}`,
    detailsOf(resource, name),
  );

/** `problems`: field and what is wrong with it. */
export function invalid(
  resource: NamedResource,
  name: string,
  problems: { field: string; reason: string; message: string }[],
): ApiError {
  const kind = resource.group ? `${resource.kind}.${resource.group}` : resource.kind;
  const words = problems.map(({ field, message }) => `${field}: ${message}`);
  return new ApiError(
    422,
    'Invalid',
    `${kind} "${name}" is invalid: ${words.length === 1 ? words[0] : `[${words.join(', ')}]`}`,
    {
      name,
      ...(resource.group && { group: resource.group }),
      kind: resource.kind,
      causes: problems,
    },
  );
}

/** The resource version lies further back than the server remembers: list again. */
export const expired = (message: string) => new ApiError(410, 'Expired', message);

function qualified({ group, plural }: NamedResource): string {
  return group ? `${plural}.${group}` : plural;
}

function detailsOf({ group, plural }: NamedResource, name: string): StatusDetails {
  return { ...(name && { name }), ...(group && { group }), kind: plural };
}
