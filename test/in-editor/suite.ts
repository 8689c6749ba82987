import './activation.ts';
import './editing.ts';
import './seeing.ts';
import './intercepting.ts';
import './show-iptables.ts';
import './inspecting.ts';
import './tools.ts';
