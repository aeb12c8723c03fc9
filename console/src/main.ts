// SPDX-License-Identifier: Apache-2.0
import { mount } from 'svelte';
import './app.css';
import Root from './Root.svelte';

const target = document.getElementById('app');
if (target === null) throw new Error('index.html has no #app');
export default mount(Root, { target });
