# A payload on the second keyboard: that one is cut off, the seat locked, the person told, and only then the courier.
device 1 keyboard
device 2 keyboard
presence present 1
tap 1 KEY_T 92
wait 110
tap 1 KEY_H 81
wait 88
tap 1 KEY_E 104
wait 133
tap 1 KEY_Q 77
wait 59
tap 1 KEY_U 96
wait 150
tap 1 KEY_I 88
wait 71
tap 1 KEY_C 110
wait 180
tap 1 KEY_K 71
wait 64
tap 1 KEY_T 99
wait 205
tap 1 KEY_H 85
wait 97
tap 1 KEY_E 92
wait 110
tap 1 KEY_Q 81
wait 88
wait 800
tap 2 KEY_T 2
wait 6
tap 2 KEY_H 2
wait 6
tap 2 KEY_E 2
wait 6
tap 2 KEY_Q 2
wait 6
tap 2 KEY_U 2
wait 6
tap 2 KEY_I 2
wait 6
tap 2 KEY_C 2
wait 6
tap 2 KEY_K 2
wait 6
tap 2 KEY_T 2
wait 6
tap 2 KEY_H 2
wait 6
tap 2 KEY_E 2
wait 6
tap 2 KEY_Q 2
wait 6
tap 2 KEY_U 2
wait 6
tap 2 KEY_I 2
wait 6
tap 2 KEY_C 2
wait 6
tap 2 KEY_K 2
wait 6
tap 2 KEY_T 2
wait 6
tap 2 KEY_H 2
wait 6
tap 2 KEY_E 2
wait 6
tap 2 KEY_Q 2
wait 6
wait 500
tap 1 KEY_T 92
wait 110
tap 1 KEY_H 81
wait 88
tap 1 KEY_E 104
wait 133

verb cut-off 2
verb lock
verb notify cut-off
alarm injected-keys cut-off-device 2
