# Whoever shows who he is has dealt with the alarm. If the device goes on, so does the guard.
device 1 keyboard
presence present 1
tap 1 KEY_T 2
wait 6
tap 1 KEY_H 2
wait 6
tap 1 KEY_E 2
wait 6
tap 1 KEY_Q 2
wait 6
tap 1 KEY_U 2
wait 6
tap 1 KEY_I 2
wait 6
tap 1 KEY_C 2
wait 6
tap 1 KEY_K 2
wait 6
presence locked
presence present 2
wait 500
tap 1 KEY_T 2
wait 6
tap 1 KEY_H 2
wait 6
tap 1 KEY_E 2
wait 6
tap 1 KEY_Q 2
wait 6
tap 1 KEY_U 2
wait 6
tap 1 KEY_I 2
wait 6
tap 1 KEY_C 2
wait 6
tap 1 KEY_K 2
wait 6

verb cut-off 1
verb lock
verb notify cut-off
alarm injected-keys cut-off-device 1
verb cut-off 1
verb lock
verb notify cut-off
alarm injected-keys cut-off-device 1
