/** Plain requests to a test's API server, over connections that stay open: thousands of them take seconds. */
import { Agent, request } from 'node:https';
import type { ControlPlane } from './start-cluster.ts';

export interface Answer {
  status: number;
  /** What the server says of a refusal; empty otherwise. */
  message: string;
  /** The whole answer. */
  text: string;
}

export class ApiServer {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 8 });
  readonly #plane: ControlPlane;

  constructor(plane: ControlPlane) {
    this.#plane = plane;
  }

  /** Makes an object for good. @throws Error when the server refuses it. */
  async create(path: string, object: object): Promise<void> {
    const { status, message } = await this.send('POST', path, JSON.stringify(object));
    if (status >= 300) throw new Error(message);
  }

  /** What the server would do with an object: as `kubectl create --dry-run=server` with its strict validation. */
  async tryOut(path: string, text: string, type: 'json' | 'yaml' = 'json'): Promise<Answer> {
    return await this.send('POST', `${path}?dryRun=All&fieldValidation=Strict`, text, `application/${type}`);
  }

  async send(method: string, path: string, body = '', type = 'application/json'): Promise<Answer> {
    const { url, ca, token } = this.#plane;
    const headers = { authorization: `Bearer ${token}`, 'content-type': type };
    return await new Promise((resolve, reject) => {
      const asked = request(`${url}${path}`, { method, agent: this.#agent, ca, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => (text += part));
        response.on('end', () => resolve(answerOf(response.statusCode ?? 0, text)));
      });
      asked.setTimeout(20_000, () => asked.destroy(new Error('no answer within 20 s')));
      asked.on('error', reject);
      asked.end(body);
    });
  }

  dispose(): void {
    this.#agent.destroy();
  }
}

function answerOf(status: number, text: string): Answer {
  if (status < 300) return { status, message: '', text };
  try {
    return { status, message: (JSON.parse(text) as { message?: string }).message ?? text, text };
  } catch {
    return { status, message: text, text };
  }
}
